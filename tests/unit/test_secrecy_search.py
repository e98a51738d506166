"""The search for secrets can fail: it finds one that was planted, however it is written."""

import json
import sqlite3
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.secrecy import files, leaks, tokens

SECRET = 's3cr3t/+="canary'


@pytest.mark.parametrize(
    "content",
    [
        SECRET.encode(),
        f"?code={quote(SECRET, safe='')}&x=1".encode(),
        json.dumps({"token": SECRET}).encode(),
        SECRET.encode("utf-16-le"),
        *(b64encode(b"user:"[:before] + SECRET.encode() + b"-more") for before in range(6)),
    ],
)
def test_a_planted_secret_is_found(content: bytes) -> None:
    assert leaks({"planted": SECRET}, [("here", b"before" + content + b"after")]) == ["planted in here"]


def test_a_secret_that_the_pages_of_a_database_cut_in_two_is_found(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "host.db") as database:
        database.execute("CREATE TABLE history (event TEXT)")
        database.execute("INSERT INTO history VALUES (?)", ("x" * 4000 + SECRET + "x" * 9000,))
    database.close()

    found = leaks({"planted": SECRET}, files(tmp_path))
    assert found
    assert set(found) == {f"planted in {tmp_path / 'host.db'}"}
    assert leaks({"other": "another secret"}, files(tmp_path)) == []


def test_a_token_is_found_whosever_it_is() -> None:
    head, body = (b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "RS256"}, {"sub": "ada"}))
    token = head + b"." + body + b".signature-of-it"

    assert tokens([("here", b'{"Authorization": "Bearer ' + token + b'"}'), ("there", head + b" " + body)]) == [
        "a token in here"
    ]
