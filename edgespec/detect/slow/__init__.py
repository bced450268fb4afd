"""What changes too slowly for a detector: the site's levels, beside the detectors."""
