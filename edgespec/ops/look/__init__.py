"""``edgespec look``: what a band looks like now."""
