"""The central unit: what a site's observers should hear, and what it means when they do not."""
