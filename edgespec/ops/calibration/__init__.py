"""``edgespec calibrate``: thresholds by the false events a day that a site would have."""
