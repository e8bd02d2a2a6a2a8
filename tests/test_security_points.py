"""The promises about the key and the customers' data, and the tests that prove them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

#: Promise to the tests that prove it.
POINTS = {
    "The key is sent only to the scheme, host and port that you connect to. Every redirect is an error.": [
        "test_transport.py::test_a_redirect_is_never_followed_nor_the_key_sent_elsewhere",
        "test_security.py::test_a_redirect_never_makes_a_request_to_another_host",
        "test_security.py::test_an_address_in_a_response_is_never_contacted",
        "test_security.py::test_an_address_in_a_saved_plan_is_compared_and_never_contacted",
        "test_transport.py::test_netrc_is_not_read",
    ],
    "Connections use HTTPS, except to this machine. Without a valid certificate, nothing is sent.": [
        "test_transport.py::test_an_unsafe_or_invalid_address_is_refused",
        "test_catalogue_reads.py::test_a_certificate_that_is_not_trusted_is_an_error_and_nothing_is_sent",
        "test_security.py::test_no_setting_makes_a_connection_that_does_not_verify",
        "test_security.py::test_the_package_contains_no_unsafe_call",
    ],
    "The key never appears in an error, log, warning, output, plan, result, frame, file or journal.": [
        "test_security_faults.py::test_nothing_that_is_shown_or_stored_contains_the_key",
        "test_transport_secrecy.py::test_no_error_shows_a_key_that_a_service_sends_back",
        "test_tracing.py::test_the_key_is_in_no_line",
        "test_transport_secrecy.py::test_tracing_http_client_prints_no_request_of_ours",
    ],
    "The key does not appear in tracebacks, even if they print local variables (`%xmode Verbose`).": [
        "test_security.py::test_no_failure_to_connect_shows_the_key",
        "test_security.py::test_an_invalid_key_is_not_shown_either",
        "test_transport_secrecy.py::test_no_traceback_shows_it_when_a_request_is_interrupted",
        "test_security_notebook.py::test_the_file_of_a_notebook_does_not_contain_the_key",
    ],
    "If a service sends the key back, wizframe refuses the response and does not show the key. It finds the key in "
    "another letter case, percent-encoded, escaped for JSON or HTML, or in base64, too.": [
        "test_transport_secrecy.py::test_the_key_is_recognized_in_other_encodings",
        "test_transport_secrecy.py::test_a_response_that_contains_the_key_is_refused",
    ],
    "The password of a login is not shown while you type it. It is sent only to the login, and appears nowhere else.": [
        "test_login.py::test_no_response_makes_the_password_or_the_key_appear",
        "test_login.py::test_no_traceback_shows_the_password_when_a_login_is_interrupted",
    ],
    "An object that contains the key cannot be pickled or copied.": [
        "test_transport_secrecy.py::test_nothing_that_holds_the_key_can_be_copied_out_of_the_process",
    ],
    "In HTML, wizframe escapes all texts from the service, from files and from you.": [
        "test_security.py::test_hostile_texts_add_no_tag_to_a_plan_or_a_result",
        "test_security.py::test_a_hostile_plan_from_a_file_adds_no_tag_either",
        "test_security.py::test_only_what_is_tested_here_shows_itself_as_html",
        "test_review.py::test_hostile_names_show_as_text",
        "test_pickers.py::test_names_from_the_service_are_text",
        "test_client.py::test_an_account_with_a_hostile_name_is_text",
    ],
    "In files of `df.wiz.to_excel` and `df.wiz.to_csv`, no cell or header is a formula or a link, and every text "
    "comes back identical.": [
        "test_security_files.py::test_no_cell_header_or_choice_is_a_formula_or_a_link",
        "test_security_files.py::test_no_cell_or_header_begins_like_a_formula",
        "test_security_files.py::test_every_text_comes_back_identical",
    ],
    "A workbook is refused if it would unpack to a huge size, contains macros, or is damaged.": [
        "test_workbook_refusals.py::test_a_part_that_is_longer_than_it_says_is_refused",
        "test_workbook_refusals.py::test_a_cell_at_the_last_row_and_column_allocates_no_memory_for_the_cells_before_it",
        "test_workbook_refusals.py::test_an_entity_bomb_expands_to_nothing",
        "test_workbook_refusals.py::test_macros_are_never_opened",
    ],
    "Texts of a service cannot control your terminal or fill your disk. A response that unpacks to a huge size is "
    "refused before all of it is unpacked.": [
        "test_transport.py::test_texts_of_a_service_cannot_control_a_terminal_or_fill_a_disk",
        "test_cli_reading.py::test_no_name_of_an_account_controls_a_terminal",
        "test_security.py::test_a_gzip_bomb_is_refused_before_it_is_unpacked",
    ],
    "Data from the service or from a file is never run as code, and no other program is started.": [
        "test_security.py::test_the_package_contains_no_unsafe_call",
        "test_security.py::test_the_demo_runs_only_lines_of_its_own_source",
        "test_security.py::test_a_plan_from_a_file_that_wizframe_did_not_write_is_refused_as_a_whole",
    ],
    "Only you can read the journal and SQLite's files next to it. Purged data is removed from all of them.": [
        "test_journal.py::test_only_its_user_can_read_it_with_any_umask",
        "test_journal.py::test_purging_empties_the_log_while_another_process_has_the_journal_open",
        "test_security.py::test_after_a_purge_no_byte_of_a_customer_is_left",
    ],
    "The sandbox accepts connections only from this machine, and injects faults only on request.": [
        "test_security.py::test_it_listens_on_loopback_and_nowhere_else",
        "test_security.py::test_it_responds_only_to_the_names_of_this_machine",
        "test_security.py::test_its_faults_are_off_and_nothing_in_a_request_turns_them_on",
    ],
}


def points_table():
    """Write the promises as a table in Markdown."""
    rows = [f"| {promise} | {'<br>'.join(f'`{test}`' for test in tests)} |" for promise, tests in POINTS.items()]
    return "\n".join(["| promise | proven by |", "|---|---|", *rows])


@pytest.mark.parametrize("test", sorted({test for tests in POINTS.values() for test in tests}))
def test_the_tests_of_a_promise_exist(test):
    file, name = test.split("::")
    tree = ast.parse(next(TESTS.rglob(file)).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
