"""Bring a loaded frame up to date."""
