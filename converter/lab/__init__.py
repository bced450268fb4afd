"""The laboratory: experiments from a file, their tasks, and what is measured by them."""
