"""The command ``sla``: every program of the package, and the tools around them."""
