"""Who is believed: units that differ from all others, transmitters that are not heard."""
