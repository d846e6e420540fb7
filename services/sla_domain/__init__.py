"""The promise itself: calendars, policies, timelines, clocks and alerts.

Standard library only. Nothing here reads a clock, a file or a socket, and nothing is random:
time is always an argument. Every instant is an ``int``, UTC milliseconds since 1970-01-01.
"""
