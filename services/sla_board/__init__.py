"""The board: every ticket of the tracker's table, served over HTTP and shown live."""
