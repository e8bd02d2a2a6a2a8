"""Widgets that choose customers and contacts."""
