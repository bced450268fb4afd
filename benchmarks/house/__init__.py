"""The house itself: which room imports which, drawn, and how many lines each has."""
