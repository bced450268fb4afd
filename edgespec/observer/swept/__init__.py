"""Bands that are swept: frames of seconds, without samples."""
