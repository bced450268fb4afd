"""The simple scores that every table sets beside the network, one a file."""
