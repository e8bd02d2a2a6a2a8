"""Cells of the matrix of deviations that are known to be wrong. Who fixes one takes it out: a right cell fails here."""

#: A deviation to the reason and the operations; ``rest:load`` is wrong in one dialect only.
KNOWN_WRONG = {}
