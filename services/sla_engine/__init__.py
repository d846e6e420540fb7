"""One partition's rules without I/O: records in, effects out, and the form in which it is stored.

Tracker, simulator, replay and tests drive the same code.
"""
