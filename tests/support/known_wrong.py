"""Cells of the matrix of deviations that are known to be wrong. Take out what is fixed: a right cell fails here."""

#: A deviation to the reason and the operations; ``rest:load`` is wrong in one dialect only.
KNOWN_WRONG = {
    "patch_replaces": ("undo does not restore the attributes of a customer", "undo"),
    "patch_clears_lists": ("undo does not restore the attributes of a customer", "undo"),
    "put_clears_siblings": ("a change of other records is not noticed", "update undo resume"),
    "create_other_id": ("the id in the response to a create is not looked up by the reference", "create upsert undo"),
    "ignores_status_filter": ("a deleted customer is not noticed", "sdk:refresh"),
    "times_go_zero": (
        "the time of creation decides whether a record is the one that was created",
        "create upsert undo",
    ),
    "times_unreadable": ("the time of creation decides whether a record is the one that was created", "undo"),
    "one_creation_time": (
        "the time of creation decides whether a record is the one that was created",
        "create upsert undo",
    ),
    "errors_with_200": ("a customer that does not exist, with status 200, fails the refresh", "rest:refresh"),
    "errors_say_success_false": ("a customer that does not exist, with status 200, fails the refresh", "rest:refresh"),
}
