"""Fleets of virtual observers at real central units: what a report costs, and a million."""
