"""What is not normal in any band: louder than all that was heard, or where nobody ever sent."""
