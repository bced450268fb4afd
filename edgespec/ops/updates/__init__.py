"""Models that are installed, listed and taken back by people."""
