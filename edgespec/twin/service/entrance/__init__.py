"""Where reports come in, and who looks after which site: over one broker, or an engine."""
