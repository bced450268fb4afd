"""Discriminants: from what was expected and what was seen to one number."""
