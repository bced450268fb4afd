"""Other ways to the same spectrogram, each given the same samples."""
