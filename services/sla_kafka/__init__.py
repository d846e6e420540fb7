"""Everything about the broker that is not about promises: settings, topics, an embedded Kafka."""
