"""The notifier: carries alerts to Alertmanager, webhooks and chats, none lost, in order."""
