"""The central unit as a service: reports in over MQTT, verdicts and events out."""
