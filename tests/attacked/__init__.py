"""The four programs under attack from all sides at once, and the effect on their normal users, the
neighbours.
"""
