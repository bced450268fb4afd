"""LTE-like signals and interferers, streamed: the simulated source and training data."""
