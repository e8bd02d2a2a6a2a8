"""Widgets to choose customers and contacts."""
