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
        "test_security.py::test_whatever_a_redirect_answers_nobody_else_hears_of_it",
        "test_security.py::test_an_address_in_an_answer_is_not_asked",
        "test_security.py::test_an_address_in_a_saved_plan_is_compared_and_not_asked",
        "test_transport.py::test_netrc_is_not_read",
    ],
    "Connections use HTTPS, except to this machine. Without a valid certificate, nothing is sent.": [
        "test_transport.py::test_an_unsafe_or_senseless_one_is_refused",
        "test_catalogue_reads.py::test_a_certificate_that_is_not_trusted_is_an_error_and_nothing_is_sent",
        "test_security.py::test_no_setting_makes_a_connection_that_does_not_verify",
        "test_security.py::test_the_package_has_nothing_of_the_kind",
    ],
    "The key never appears in an error, log, warning, output, plan, result, frame, file or journal.": [
        "test_security_faults.py::test_nothing_that_is_shown_or_kept_holds_the_key",
        "test_transport_secrecy.py::test_no_error_shows_the_key_that_a_service_echoes",
        "test_tracing.py::test_the_key_is_in_no_line",
        "test_transport_secrecy.py::test_tracing_http_client_prints_no_request_of_ours",
    ],
    "The key does not appear in tracebacks, even if they print local variables (`%xmode Verbose`).": [
        "test_security.py::test_no_failure_to_connect_shows_the_key",
        "test_security.py::test_what_cannot_be_a_key_is_not_shown_either",
        "test_transport_secrecy.py::test_no_traceback_shows_it_when_a_request_is_interrupted",
        "test_security_notebook.py::test_the_file_of_a_notebook_does_not_hold_the_key",
    ],
    "If a service sends the key back, it is not shown, even in other letter case, percent-encoded, escaped for "
    "JSON or HTML, or in base64. A response that contains it is refused.": [
        "test_transport_secrecy.py::test_the_key_is_recognised_however_a_service_writes_it",
        "test_transport_secrecy.py::test_an_answer_that_holds_the_key_is_none_since_it_would_end_up_in_frames_and_files",
    ],
    "The password of a login is not shown while you type it, is sent only to the login, and appears nowhere else.": [
        "test_login.py::test_neither_password_nor_key_shows_whatever_is_answered",
        "test_login.py::test_no_traceback_shows_the_password_when_a_login_is_interrupted",
    ],
    "The key cannot be pickled or copied.": [
        "test_transport_secrecy.py::test_nothing_that_holds_the_key_can_be_copied_out_of_the_process",
    ],
    "Texts from the service, from files and from you are escaped in HTML.": [
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
        "test_workbook_refusals.py::test_a_part_that_is_longer_than_it_says_is_not_believed",
        "test_workbook_refusals.py::test_a_cell_at_the_end_of_the_world_makes_no_room_for_all_before_it",
        "test_workbook_refusals.py::test_an_entity_bomb_expands_to_nothing",
        "test_workbook_refusals.py::test_macros_are_never_opened",
    ],
    "Texts of a service cannot control your terminal or fill your disk. A response that unpacks to a huge size is "
    "refused during unpacking.": [
        "test_transport.py::test_what_a_service_says_cannot_drive_a_terminal_nor_fill_a_disk",
        "test_cli_reading.py::test_no_name_of_an_account_drives_a_terminal",
        "test_security.py::test_a_gzip_bomb_is_refused_before_it_is_unpacked",
    ],
    "Data from the service or from a file is never run as code, and no other program is started.": [
        "test_security.py::test_the_package_has_nothing_of_the_kind",
        "test_security.py::test_the_demo_runs_nothing_but_lines_that_stand_in_it",
        "test_security.py::test_a_plan_from_a_file_that_wizframe_did_not_write_is_refused_as_a_whole",
    ],
    "Only you can read the journal and SQLite's files next to it. Purged data is removed from all of them.": [
        "test_journal.py::test_nobody_else_can_read_it_whatever_the_user_gives_away_otherwise",
        "test_journal.py::test_purging_empties_the_log_while_another_process_has_the_journal_open",
        "test_security.py::test_after_a_purge_no_byte_of_a_customer_is_left",
    ],
    "The sandbox accepts connections only from this machine, and injects faults only on request.": [
        "test_security.py::test_it_listens_on_loopback_and_nowhere_else",
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
