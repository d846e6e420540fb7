"""``python -m sla_cli``: the same as ``sla``."""

from sla_cli.entry import main

if __name__ == "__main__":
    main()
