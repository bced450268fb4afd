"""Scores of an observer's samples hop by hop: what the device's own planes say of a cell."""
