"""What sweeps of one receiver have in them: correlations, a trend, a day, periods."""
