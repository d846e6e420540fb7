"""Conversion between records and domain values."""
