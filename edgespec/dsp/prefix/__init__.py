"""OFDM cells: who sends, when its symbols begin, and what is left once a cell is taken away."""
