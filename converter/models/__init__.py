"""Networks by name, and Keras under them."""
