"""What all observers told, in one database: for those who look after many of them."""
