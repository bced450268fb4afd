"""The samples around an alert, kept as a recording."""
