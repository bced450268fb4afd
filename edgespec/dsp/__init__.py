"""From samples to frames and segments, for the device and for training alike."""
