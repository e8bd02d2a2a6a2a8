"""A plan with a box for each change."""
