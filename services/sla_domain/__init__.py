"""The SLA rules: calendars, policies, timelines, clocks and alerts.

Pure functions of their arguments: no wall clock, I/O or randomness. Time is always an argument.
Every instant is an ``int``: milliseconds since 1970-01-01 UTC.
"""
