"""The mini-batch on which a folder's batch script is tried, before anything is registered.

A sample that travels with the model, `golden/rows.FORMAT`, is taken as it is. Else a file as the contract describes it
is made of the rows in the golden requests, which every bundle has.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.config.contracts import load_contract
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.data.record_files import WRITABLE, file_of_records
from shared.domain.failures import Refused
from shared.domain.promotion.batch_outputs import AskedRow
from shared.domain.promotion.bundles import EXTRAS

_OWN = "golden/rows"
_NUMBERED = ("integer", "number", "string")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSample:
    """*content* of a file called *name* with *rows* rows, and where they are *made* from.

    *asked* has what is known to be right for each row, nothing where that is not known.
    """

    name: str
    content: bytes
    rows: int
    made: str
    asked: tuple[AskedRow, ...] = ()


def batch_sample(home: Path, contract_path: str, folder: Path, golden: Sequence[tuple[Any, Any]]) -> BatchSample:
    """The mini-batch for the bundle in *folder* with these *golden* requests. Raises Refused where there is none."""
    contract, _ = load_contract(home, contract_path)
    own = folder / EXTRAS / f"{_OWN}.{contract.format}"
    if own.is_file():
        content = own.read_bytes()
        place = f"{EXTRAS}/{_OWN}.{contract.format}"
        return BatchSample(name=own.name, content=content, rows=_count(content, contract, place), made=place)
    try:
        return _made(contract, golden)
    except Refused as refusal:
        remedy = f"add {EXTRAS}/{_OWN}.{contract.format}, a few rows as they arrive"
        raise Refused(f"no file can be made of the golden requests: {refusal}; {remedy}") from refusal


def _made(contract: DataContract, golden: Sequence[tuple[Any, Any]]) -> BatchSample:
    if contract.format not in WRITABLE or not contract.csv.header:
        form = contract.format if contract.format not in WRITABLE else "CSV without a header"
        raise Refused(f"the contract wants {form}")
    records, answers = list[dict[str, Any]](), list[Any]()
    for number, (request, response) in enumerate(golden, 1):
        rows = _rows_of(request)
        if rows is None:
            raise Refused(f"request {number} has no input_data with columns and data")
        records += rows
        answers += response if isinstance(response, list) and len(response) == len(rows) else []
    columns = {column.name: column for column in contract.columns}
    given = {name for record in records for name in record}
    missing = [
        name for name, column in columns.items() if not (name in given or name in contract.keys or column.nullable)
    ]
    if missing:
        raise Refused(f"they lack {', '.join(missing)}, which the contract has")
    numbered = [columns[name] for name in contract.keys if name not in given]
    if unnumbered := [column.name for column in numbered if column.type not in _NUMBERED]:
        raise Refused(f"they lack the key {', '.join(unnumbered)}, which is no number or text")
    allowed = set(columns) if contract.extra_columns == "refuse" else given | set(columns)
    files = [
        {name: value for name, value in record.items() if name in allowed} | _keys_of(row, numbered)
        for row, record in enumerate(records, 1)
    ]
    asked = [AskedRow(key=str(row), answer=answer) for row, answer in enumerate(answers, 1)]
    return BatchSample(
        name=f"rows.{contract.format}",
        content=file_of_records(files, contract),
        rows=len(files),
        made="the golden requests",
        asked=tuple(asked) if len(asked) == len(files) else (),
    )


def _rows_of(request: Any) -> list[dict[str, Any]] | None:
    table = request.get("input_data") if isinstance(request, dict) else None
    columns, data = (table.get("columns"), table.get("data")) if isinstance(table, dict) else (None, None)
    if not isinstance(columns, list) or not isinstance(data, list):
        return None
    return [dict(zip(columns, row, strict=False)) for row in data]


def _keys_of(row: int, numbered: Sequence[Column]) -> dict[str, Any]:
    """Golden requests have no keys, so the rows are numbered."""
    return {column.name: str(row) if column.type == "string" else row for column in numbered}


def _count(content: bytes, contract: DataContract, place: str) -> int:
    """The rows of the file. Raises Refused where it has none, or is no such file."""
    try:
        rows = _rows_in(content, contract)
    except (ValueError, csv.Error, OSError) as error:
        raise Refused(f"{place} is no {contract.format} file: {error}") from error
    if rows < 1:
        raise Refused(f"{place} has no rows; add a few as they arrive")
    return rows


def _rows_in(content: bytes, contract: DataContract) -> int:
    if contract.format == "parquet":
        import pyarrow.parquet

        return int(pyarrow.parquet.ParquetFile(io.BytesIO(content)).metadata.num_rows)
    text = content.decode(contract.csv.encoding if contract.format == "csv" else "utf-8")
    if contract.format == "jsonl":
        return sum(1 for line in text.splitlines() if line.strip())
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=contract.csv.delimiter)
    return sum(1 for cells in lines if cells) - int(contract.csv.header)
