"""The transport: a connection to an MQTT broker, kept through outages. Only here is paho known."""
