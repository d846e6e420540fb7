"""What the programs run on: logs, addresses, and Faust on this project's terms."""
