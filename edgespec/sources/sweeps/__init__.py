"""Sources of sweeps: tables of levels that other programs write."""
