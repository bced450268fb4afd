"""What makes one score of a snapshot's residuals: interchangeable detectors."""
