"""Convert plain records to typed DataFrames, and keep their baselines."""
