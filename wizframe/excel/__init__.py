"""Frames as workbooks and CSV files, and back."""
