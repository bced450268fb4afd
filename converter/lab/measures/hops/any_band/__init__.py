"""A detector for bands without a cell, as rows: scenes, peaks, constant modulus."""
