"""Look for secrets in what was stored, printed or answered, in every form in which they are written on the way."""

import json
import re
import sqlite3
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import re2

Place = tuple[str, bytes]
_TOKEN = re.compile(rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")


def leaks(secrets: Mapping[str, str], places: Iterable[Place]) -> list[str]:
    """`SECRET in PLACE` for each that is found.

    RE2 looks for all forms at once: one by one, some 150 forms in the megabytes of a local cloud take ten seconds.
    """
    forms = {name: tuple(_forms(secret)) for name, secret in secrets.items()}
    options = re2.Options()
    options.encoding = options.Encoding.LATIN1  # Any byte is a character.
    whole = re2.compile(b"|".join(re2.escape(form) for of_one in forms.values() for form in of_one), options)
    return [
        f"{name} in {where}"
        for where, content in places
        if whole.search(content)
        for name, of_one in forms.items()
        if any(form in content for form in of_one)
    ]


def tokens(places: Iterable[Place]) -> list[str]:
    """Where there is a signed token (a JWT), whosever it is."""
    return [f"a token in {where}" for where, content in places if _TOKEN.search(content)]


def _forms(secret: str) -> Iterator[bytes]:
    """As it is, in a query, in JSON, in UTF-16, and in base64 wherever it starts in a longer text."""
    assert len(secret) >= 12, "too short to be told from chance"
    yield from (secret.encode(), quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode())
    yield secret.encode("utf-16-le")
    yield from base64_forms(secret)


def base64_forms(text: str) -> Iterator[bytes]:
    """*text* in base64, wherever it starts in a longer text."""
    for before in range(3):
        whole = b64encode(b"x" * before + text.encode())
        yield whole[4 if before else 0 : len(whole) // 4 * 4 - 4]


def files(*folders: Path) -> Iterator[Place]:
    """Every file below *folders*; a database also by its values, since its pages may cut one in two."""
    for folder in folders:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            yield str(path), path.read_bytes()
            if path.suffix == ".db":
                yield str(path), _values(path)


def _values(path: Path) -> bytes:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for table in tables for row in database.execute(f'SELECT * FROM "{table}"')]
    database.close()
    return b"\n".join(each if isinstance(each, bytes) else str(each).encode() for row in rows for each in row)
