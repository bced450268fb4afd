"""``edgespec record``: samples of a source as a SigMF recording."""
