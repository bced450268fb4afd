"""Which events are alerts: rules, what people said of them, and what came before."""
