"""Cells of the matrix of deviations that are known to be wrong. Take out what is fixed: a right cell fails here."""

#: A deviation to the reason and the operations; ``rest:load`` is wrong in one dialect only.
KNOWN_WRONG = {
    "patch_replaces": ("undo does not restore the lists of a customer", "undo"),
    "patch_clears_lists": ("undo does not restore the lists of a customer", "undo"),
    "put_clears_siblings": ("a change of other records is not noticed", "update undo resume"),
    "create_other_id": ("the id in the response to a create is not looked up by the reference", "create upsert undo"),
    "ignores_status_filter": (
        "the status filter is believed if rows have no status",
        "sdk:refresh",
    ),
    "times_go_zero": ("a record without a time of creation counts as another user's", "create rest:refresh"),
    "times_9999": ("a value of another type is not read as what it means everywhere", "rest:refresh"),
    "contact_ids_per_customer": ("contacts are identified by their id alone", "contacts"),
    "big_integers_in_attributes": (
        "a number is read as a float, and sent back as one",
        "rest:update rest:clear rest:undo",
    ),
    "exact_decimals_in_attributes": (
        "a number is read as a float, and sent back as one",
        "rest:update rest:clear rest:undo",
    ),
}
