"""Faults on purpose: brokers, observers, disks, radios and clocks that fail, and what is lost."""
