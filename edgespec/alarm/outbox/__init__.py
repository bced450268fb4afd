"""Events that wait for the broker: from the mailbox through the spool to whoever sends them."""
