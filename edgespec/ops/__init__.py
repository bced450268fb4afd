"""Work around the monitor: bench, doctor, demo."""
