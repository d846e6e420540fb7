"""The logic of one partition, without I/O: records in, effects out; and its storage format.

Tracker, simulator, replay and tests run the same code.
"""
