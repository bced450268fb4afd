"""Tasks with dependencies: planned, run wherever there is room, and resumed."""
