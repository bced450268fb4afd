"""Trains, transfers and quantises the models that edgespec runs."""
