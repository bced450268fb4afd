"""What is asked of a running observer and takes a while."""
