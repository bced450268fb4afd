"""Bands that are swept: days of sweeps with traffic, a receiver and anomalies, out of nothing."""
