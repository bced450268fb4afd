"""``edgespec adapt``: the last layer of a model fitted to what is heard here."""
