"""One module per command. Each imports what it needs only when it runs, so ``--help`` is fast."""
