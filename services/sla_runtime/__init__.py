"""The runtime of the programs: logs, addresses, heartbeats, and an adapted Faust."""
