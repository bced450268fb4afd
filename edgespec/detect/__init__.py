"""The detectors: scores, thresholds, and the events made of them."""
