"""The cell of a band: found, followed, cancelled, and who is new beside it."""
