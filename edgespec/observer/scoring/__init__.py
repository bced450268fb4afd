"""From segments to scores: what they are measured by, how it is learnt, and what is not scored."""
