"""`python -m shared.operations.local_contract FILE OUT [--force]`: infer a data contract from FILE, with its profile.

It is written for people: what was seen stands beside each column. It ends with 0 where both were written, else with 2.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.adapters.tables.inferring import SeenColumn, dialect_of, seen_columns
from shared.domain.counts import counted
from shared.domain.data.data_contract import DataContract
from shared.operations.local_profile import NOT_TRIED, WRITTEN, NotTried, write_profile

_FEW, _ROWS_OF_EACH = 20, 10  # So many different values are categories, where each has so many rows on average.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORDS_OF_YAML = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_LIKE_KEYS = re.compile(r"(?i)(^|_)(id|key|number)$|[a-z]Id$")
_PROFILE = "reference-profile.json"
_HEAD = """\
# Inferred from {file} by `signalbox model contract`: {rows}.
# It says what was there, and not what is right. Read every line, widen or narrow it by what you know, and keep it.
# docs/data-contracts.md has all fields; `signalbox check FILE --contract {out}` judges a file by it.
"""


def infer(file: Path, out: Path, force: bool) -> int:
    """Write the contract and its profile, and say what to do with them. Raises NotTried."""
    profile = out.parent / _PROFILE
    for path in (out, profile):
        if path.exists() and not force:
            raise NotTried(f"{path} is there already; give --force to replace it, or another place: --out FILE")
    try:
        dialect = dialect_of(file)
        columns = seen_columns(file, dialect)
    except Exception as error:  # The file is a stranger's as well; whatever it breaks is the answer.
        raise NotTried(f"{file} cannot be read: {str(error).splitlines()[0][:200]}") from error
    if not columns or not columns[0].rows:
        raise NotTried(f"{file} has no rows")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(_lines(file, out, dialect, columns)) + "\n", encoding="utf-8")
    print(f"wrote {out}: {counted(len(columns), 'column')}; read it, and keep it")
    return write_profile(file, out, None, force, False)


def _lines(file: Path, out: Path, dialect: DataContract, columns: tuple[SeenColumn, ...]) -> Iterator[str]:
    yield _HEAD.format(file=file.name, rows=counted(columns[0].rows, "row"), out=out)
    yield f"format: {dialect.format}"
    if dialect.csv.delimiter != ",":
        yield f"csv: {{delimiter: {json.dumps(dialect.csv.delimiter)}}}"
    yield "# owner: data-team@example.org   # who is told when data fails"
    yield "tolerance: 0   # the share of rows that may break a rule"
    yield "columns:"
    yield from map(_column, columns)
    keys = [column.name for column in columns if _is_key(column)]
    if keys:
        yield f"keys: [{_word(keys[0])}]   # every value of it is there once"
    else:
        yield "# keys: [...]   # which columns tell rows apart? none is called like a key and has each value once"
    yield "distribution:   # arrivals are compared with the rows of this file"
    yield f"  reference: {_PROFILE}"
    yield "  effect: 0.1   # the smallest distance that fails"


def _column(column: SeenColumn) -> str:
    fields, notes = [f"name: {_word(column.name)}", f"type: {column.kind}"], []
    if column.missing:
        fields.append("nullable: true")
        notes.append(f"{column.missing} of {column.rows} have no value")
    if _is_category(column):
        values = sorted(column.values or ())
        fields.append(f"allowed: [{', '.join(_allowed(value, column) for value in values)}]")
        notes.append("the values that were seen")
    elif column.ends is not None:
        low, high = column.ends
        notes.append(f"seen from {_shown(low)} to {_shown(high)}")
        if column.kind in ("integer", "number") and not _is_key(column):
            least, most = _widened(low, high, column.kind == "integer")
            fields += [f"min: {least}", f"max: {most}"]
            notes[-1] += ", and a tenth more"
    elif column.values is not None:
        notes.append(f"{len(column.values)} different values")
    return f"  - {{{', '.join(fields)}}}   # {'; '.join(notes)}"


def _is_category(column: SeenColumn) -> bool:
    few = column.values is not None and 0 < len(column.values) <= _FEW
    enough = column.values is not None and column.rows - column.missing >= _ROWS_OF_EACH * len(column.values)
    return column.kind == "string" and few and enough


def _is_key(column: SeenColumn) -> bool:
    once = column.values is not None and len(column.values) == column.rows and not column.missing
    return column.kind in ("integer", "string") and once and bool(_LIKE_KEYS.search(column.name))


def _widened(low: Any, high: Any, whole: bool) -> tuple[Any, Any]:
    """The ends and a tenth of their distance more; what was never below zero stays there."""
    margin = (high - low) / 10
    least, most = low - margin, high + margin
    if low >= 0:
        least = max(least, 0)
    if whole:
        return max(min(int(least // 1), low), -(2**63)), min(max(int(-(-most // 1)), high), 2**63 - 1)
    return min(float(f"{least:.6g}"), low), max(float(f"{most:.6g}"), high)


def _shown(value: Any) -> str:
    return (
        value.isoformat() if hasattr(value, "isoformat") else f"{value:g}" if isinstance(value, float) else str(value)
    )


def _allowed(value: str, column: SeenColumn) -> str:
    return value if column.kind in ("integer", "number") else _word(value)


def _word(text: str) -> str:
    """*text* in YAML: as it is where nothing else could be meant."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    return text if plain else json.dumps(text, ensure_ascii=False)


def main(arguments: list[str]) -> int:
    """Infer what *arguments* ask for, and give the exit code."""
    paths = [Path(argument) for argument in arguments if argument != "--force"]
    if len(paths) != 2:
        print("usage: python -m shared.operations.local_contract FILE OUT [--force]", file=sys.stderr)
        return NOT_TRIED
    try:
        code = infer(paths[0], paths[1], "--force" in arguments)
    except (NotTried, OSError) as error:
        print(error, file=sys.stderr)
        return NOT_TRIED
    return WRITTEN if code == WRITTEN else NOT_TRIED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
