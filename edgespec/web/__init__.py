"""A page to look at: what it is fed with, and the process that serves it."""
