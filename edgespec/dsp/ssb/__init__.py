"""The block of synchronisation signals (SSB) by which an NR cell is found."""
