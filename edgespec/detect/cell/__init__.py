"""Watches a cell's own signals: whether it is there, how strong, where in its band, and alone."""
