"""Everything about Kafka that is not about promises: settings, topics, an embedded broker."""
