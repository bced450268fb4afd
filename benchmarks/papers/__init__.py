"""Papers measured again: what they claim and what we found."""
