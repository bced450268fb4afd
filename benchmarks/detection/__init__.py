"""What is detected on real recordings, and how near the simulator comes to them."""
