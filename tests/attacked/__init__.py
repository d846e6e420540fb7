"""The four programs under attack by everybody at once, and what their neighbours see of it."""
