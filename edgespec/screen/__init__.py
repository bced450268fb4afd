"""What people see: tables as wide as the terminal, progress, and a live line on it."""
