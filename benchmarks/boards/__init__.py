"""What can be shown of small boards without one: an emulated processor runs what they run."""
