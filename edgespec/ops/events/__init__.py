"""What an observer keeps of its events, and what people say of them."""
