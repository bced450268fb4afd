"""A map of a site that a walk taught: what its units heard of a transmitter that was carried."""
