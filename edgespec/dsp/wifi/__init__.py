"""Packets of Wi-Fi (IEEE 802.11, OFDM in 20 MHz), each of which has a timing of its own."""
