"""The report of an experiment: what was measured, as tables for people and machines."""
