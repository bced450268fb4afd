"""``edgespec survey``: what is on a band, before it is watched."""
