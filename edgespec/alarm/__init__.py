"""How an event leaves the observer: payloads, the broker, the spool, the console."""
