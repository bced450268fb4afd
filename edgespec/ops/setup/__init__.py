"""``edgespec setup``: from a radio that is plugged in to a configuration."""
