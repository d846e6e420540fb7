"""Chaos on a real Kafka: trackers and brokers are killed, frozen and restarted in the middle of a
long story, and what readers see in the end is held against ``sla simulate``.
"""
