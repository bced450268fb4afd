"""What runs a band's network here: chosen by measurement, checked before anything runs."""
