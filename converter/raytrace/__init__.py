"""Path gain of a site by ray tracing (Sionna RT): scene, maps, and a forest that learns them."""
