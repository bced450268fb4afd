"""The steps of an experiment, one record each; what they call is loaded when they run."""
