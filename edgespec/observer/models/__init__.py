"""Models while a band is watched: fetched, examined, in shadow, switched, taken back."""
