"""How sensitive an observer is, by name: what is bearable of false events."""

__all__ = ["SENSITIVITIES", "SENSITIVITIES_SAID"]

#: False events a day by the names of sensitivities.
SENSITIVITIES = {"lowest": 0.1, "low": 1.0, "medium": 5.0, "high": 20.0, "highest": 100.0}
#: The same in words.
SENSITIVITIES_SAID = ", ".join(f"{name} {per_day:g}" for name, per_day in SENSITIVITIES.items())
