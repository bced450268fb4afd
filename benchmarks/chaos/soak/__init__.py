"""An observer of two bands in real time, with a fault every minute: ``benchmarks.chaos.soak``."""
