"""Measurements that README and the reports quote, each with its script."""
