"""Models that were installed: kept by their content, named for each band, taken back."""
