"""``edgespec config``: configuration files checked, explained and created."""
