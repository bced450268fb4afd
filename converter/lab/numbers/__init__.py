"""What scores amount to: areas, rates, thresholds, and how sure each figure is."""
