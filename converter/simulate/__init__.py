"""Recordings and data sets made with edgespec.simulate."""
