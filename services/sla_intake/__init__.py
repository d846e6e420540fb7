"""The intake: verified webhooks of ticketing systems in, ticket events out."""
