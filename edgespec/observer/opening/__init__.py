"""How the chain of a band is made of its parts, as a configuration says."""
