"""Numbers that a float or 64 bits cannot hold come back as they were sent."""

import json
import re
from decimal import Decimal

import pytest
from support.client import Reply, Stub, client_of

from wizframe.http.exact_json import read_exactly, write_exactly

NUMBERS = [
    "9007199254740993", "18446744073709551615", "18446744073709551616", "-9223372036854775809", "1" + "0" * 400,
    "0.1", "12345678901234567.89", "0.1234567890123456789", "-0.30000000000000000001", "1e400", "1.5E+300", "5e-324",
    "1e-400", "100000000000000000000.5",
]  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_written_as_it_was_read(text):
    content = f'{{"x": [{{"name": "n", "value": {text}}}], "y": "{text}"}}'.encode()
    written = write_exactly(read_exactly(content, None) or json.loads(content)).decode()
    again = re.search(r'"value":([^}]*)}', written)[1]
    assert Decimal(again) == Decimal(text)
    assert f'"y":"{text}"' in written


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_a_record_that_is_written_back_keeps_its_numbers(text, table):
    attributes = f'[{{"id": "a", "name": "Size", "value": {text}}}]'
    record = (
        f'{{"data": {{"id": "c", "reference_id": "r", "first_name": "A", "attributes": {attributes}, "own": {text}}}}}'
    )
    with Stub(Reply(200, record.encode())) as stub:
        client = client_of(stub.base_url)
        if table == "contacts":
            client.customer.contact.update("p", "c", {"designation": "Pilot"})
        else:
            client.customer.update("c", {"attributes": client.customer.get("c")["attributes"]})
    body = stub.requests[-1].body.decode()
    assert Decimal(re.search(r'"value":([^},]*)}', body)[1]) == Decimal(text)
    if table == "contacts":
        assert Decimal(re.search(r'"own":([^},]*)', body)[1]) == Decimal(text)


def test_what_is_not_json_is_refused():
    with pytest.raises(TypeError):
        write_exactly({"x": object()})
