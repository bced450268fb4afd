"""Notifications of alerts beside the broker: webhooks, ntfy, commands."""
