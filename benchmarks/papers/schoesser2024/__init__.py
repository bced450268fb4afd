"""Schoesser et al. 2024: the published residuals, and the experiment in our own hall."""
