"""Connections to accounts and sandboxes, and the public client."""
