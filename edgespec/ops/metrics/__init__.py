"""Figures of a running observer for Prometheus."""
