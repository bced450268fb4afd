"""What an observer remembers: events, states, levels and what people asked, in one file."""
