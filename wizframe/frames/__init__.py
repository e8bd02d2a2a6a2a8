"""Plain records to typed DataFrames and their baselines."""
