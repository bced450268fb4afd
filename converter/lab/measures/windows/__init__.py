"""Segments with and without something on the air, and their scores."""
