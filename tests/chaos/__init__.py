"""Chaos on a real Kafka: trackers and brokers are killed, frozen and restarted during a long run,
and the final output is compared with ``sla simulate``.
"""
