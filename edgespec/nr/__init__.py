"""What 3GPP fixes of 5G NR, for those who send it and those who look for it."""
