"""How fast the front end, the model and the whole path are, beside what else there is."""
