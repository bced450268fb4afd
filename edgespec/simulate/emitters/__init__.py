"""What interferers are made of: one waveform a file, each a function of the sample number."""
