"""The review: a plan with a box to tick for each change."""
