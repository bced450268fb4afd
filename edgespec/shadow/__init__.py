"""What a candidate says beside the model that runs: paired scores, paired events, the report."""
