"""``edgespec support``: one archive to ask for help with, without secrets."""
