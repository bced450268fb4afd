"""What belongs on bands without an OFDM cell: GSM, broadcast FM, meters, hoppers, transponders."""
