"""The central unit against Schoesser et al. 2024: path gain, detection, location, load."""
