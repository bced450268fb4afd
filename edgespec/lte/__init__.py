"""What 3GPP fixes of LTE, for those who send it and those who look for it."""
