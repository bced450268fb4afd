"""The running observer: bands, scoring, the monitor, and how they are opened."""
