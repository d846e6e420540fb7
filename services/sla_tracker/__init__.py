"""The stream processor: ticket events in, warnings and breaches out, exactly once."""
