"""Cells of the matrix of deviations that are known to be wrong. Take out what is fixed: a right cell fails here."""

#: A deviation to the reason and the operations; ``rest:load`` is wrong in one dialect only.
KNOWN_WRONG = {
    "patch_replaces": ("addresses that an undo restores have new ids", "rest:undo"),
    "patch_clears_lists": ("addresses that an undo restores have new ids", "rest:undo"),
    "put_clears_siblings": ("a change of other records is not noticed", "update undo resume"),
    "ignores_status_filter": ("a deleted customer is not noticed", "sdk:refresh"),
    "times_unreadable": ("the time of creation decides whether a record is the one that was created", "undo"),
    "errors_with_200": ("a customer that does not exist, with status 200, fails the refresh", "rest:refresh"),
    "errors_say_success_false": ("a customer that does not exist, with status 200, fails the refresh", "rest:refresh"),
}
