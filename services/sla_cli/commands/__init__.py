"""One module a command. They import what they run when they run it, so that ``--help`` is quick."""
