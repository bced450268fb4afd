"""Path gain from any place of a site to its sensing units: interchangeable models."""
