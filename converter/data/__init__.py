"""Data sets: recordings as frames, split, mapped and cut into windows."""
