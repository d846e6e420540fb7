"""The one definition of every record on a topic and of the policy file.

JSON Schemas, the AsyncAPI document and the topic files under ``schemas/`` are generated from these
models and never read at run time.
"""
