"""The notifier: delivers alerts to Alertmanager, webhooks and chats, in order, losing none."""
