"""Logs of other systems turned into ticket events."""
