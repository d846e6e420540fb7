"""The demo: real incidents through all programs, in a terminal."""
