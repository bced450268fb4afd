"""What a user could run the model with, one runtime a file."""
