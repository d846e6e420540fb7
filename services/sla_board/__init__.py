"""The board: every ticket of the tracker's table, answered over HTTP and shown live."""
