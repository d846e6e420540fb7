"""Records to domain values and back: the only place that knows both."""
