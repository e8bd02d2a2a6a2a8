"""Cells of the matrix of deviations that are known to be wrong. Take out what is fixed: a right cell fails here."""

#: A deviation to the reason and the operations; ``rest:load`` is wrong in one dialect only.
KNOWN_WRONG = {
    "patch_replaces": ("undo does not restore the lists of a customer", "undo"),
    "patch_clears_lists": ("undo does not restore the lists of a customer", "undo"),
    "put_clears_siblings": ("a change of other records is not noticed", "update undo resume"),
    "create_other_id": ("the id in the response to a create is not looked up by the reference", "create upsert undo"),
    "ignores_status_filter": (
        "the status filter is believed if rows have no status",
        "sdk:load sdk:chunks sdk:references sdk:refresh",
    ),
    "lists_active_only": (
        "the status filter is believed if rows have no status",
        "sdk:load sdk:chunks sdk:references sdk:refresh",
    ),
    "reference_filter_one_text": (
        "a reference that a filtered list does not show counts as missing",
        "references upsert",
    ),
    "reference_filter_active_only": (
        "a reference that a filtered list does not show counts as missing",
        "references upsert",
    ),
    "page_size_422_above_50": ("a limit of the page size is not obeyed", "load chunks contacts refresh"),
    "end_404": ("a refusal behind the end of a list fails the load", "sdk:load sdk:chunks sdk:contacts sdk:refresh"),
    "end_422": ("a refusal behind the end of a list fails the load", "sdk:load sdk:chunks sdk:contacts sdk:refresh"),
    "end_400": ("a refusal behind the end of a list fails the load", "sdk:load sdk:chunks sdk:contacts sdk:refresh"),
    "end_204": ("a refusal behind the end of a list fails the load", "sdk:load sdk:chunks sdk:contacts sdk:refresh"),
    "end_last_page_again": ("a deleted customer is not noticed", "sdk:refresh"),
    "ids_integer": (
        "a value of another type is not read as what it means everywhere",
        "update create rest:refresh delete",
    ),
    "ids_big_integer": (
        "a value of another type is not read as what it means everywhere",
        "update create rest:refresh delete",
    ),
    "numbers_for_text": ("a value of another type is not read as what it means everywhere", "create delete"),
    "flags_0_1": ("a value of another type is not read as what it means everywhere", "update"),
    "flags_text": ("a value of another type is not read as what it means everywhere", "update delete"),
    "status_uppercase": ("a deleted customer is not noticed", "rest:refresh"),
    "times_go_zero": ("a record without a time of creation counts as another user's", "create rest:refresh"),
    "times_9999": ("a value of another type is not read as what it means everywhere", "rest:refresh"),
    "contact_ids_per_customer": ("contacts are identified by their id alone", "contacts"),
    "ignores_order": ("a list in another order is refused", "load chunks contacts update"),
    "ignores_order_column": ("a list in another order is refused", "load chunks contacts update"),
    "repeats_pages": ("a deleted customer is not noticed", "sdk:refresh"),
    "big_integers_in_attributes": (
        "a number is read as a float, and sent back as one",
        "rest:update rest:clear rest:undo",
    ),
    "exact_decimals_in_attributes": (
        "a number is read as a float, and sent back as one",
        "rest:update rest:clear rest:undo",
    ),
}
