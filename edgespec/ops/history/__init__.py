"""What a band was like over hours and days, as lines and as a picture."""
