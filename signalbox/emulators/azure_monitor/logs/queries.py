"""Queries of one table: `where`, `project`, `summarize ... by`, `take` and `order by`, one after another.

Everything else of the language is refused as Log Analytics refuses what it cannot read.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from signalbox.emulators.azure_monitor.logs.expressions import (
    Row,
    Tokens,
    Value,
    column,
    condition,
    scalar,
    semantic_error,
    syntax_error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """*columns*: the type of each by its name; moments are in epoch seconds."""

    columns: Mapping[str, str]
    rows: Iterable[Row]


def run(query: str, tables: Mapping[str, Table]) -> Table:
    """The table that *query* makes of one of *tables*. Raises QueryError."""
    tokens = Tokens(query)
    name = tokens.name()
    if name not in tables:
        raise semantic_error(f"'where' operator: Failed to resolve table or column expression named '{name}'")
    table = tables[name]
    while tokens.accept("|"):
        operator = tokens.name()
        if operator not in _OPERATORS:
            raise syntax_error(operator)
        table = _OPERATORS[operator](tokens, table)
    if tokens.next.kind != "end":
        raise syntax_error(tokens.next.text)
    return table


def _where(tokens: Tokens, table: Table) -> Table:
    test = condition(tokens, table.columns)
    return Table(columns=table.columns, rows=[row for row in table.rows if test(row)])


def _project(tokens: Tokens, table: Table) -> Table:
    columns = [column(tokens.name(), table.columns)]
    while tokens.accept(","):
        columns.append(column(tokens.name(), table.columns))
    return Table(
        columns={name: table.columns[name] for name in columns},
        rows=[{name: row[name] for name in columns} for row in table.rows],
    )


def _take(tokens: Tokens, table: Table) -> Table:
    token = tokens.take()
    if token.kind != "number":
        raise syntax_error(token.text)
    return Table(columns=table.columns, rows=list(islice(table.rows, int(token.text))))


def _order(tokens: Tokens, table: Table) -> Table:
    tokens.expect("by")
    name = column(tokens.name(), table.columns)
    descending = not tokens.accept("asc")  # Kusto's default.
    tokens.accept("desc")
    return Table(columns=table.columns, rows=sorted(table.rows, key=lambda row: row[name], reverse=descending))


Aggregate = Callable[[list[Row]], Any]


def _summarize(tokens: Tokens, table: Table) -> Table:
    """`name=count()` and `name=countif(...)`, by columns and by `bin(column, 1m)`."""
    aggregates = dict((_aggregate(tokens, table),))
    while tokens.accept(","):
        aggregates |= dict((_aggregate(tokens, table),))
    keys: dict[str, tuple[str, Value]] = {}
    if tokens.accept("by"):
        keys |= dict((_key(tokens, table),))
        while tokens.accept(","):
            keys |= dict((_key(tokens, table),))
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in table.rows:
        groups.setdefault(tuple(value(row) for _, value in keys.values()), []).append(row)
    return Table(
        columns={name: kind for name, (kind, _) in keys.items()} | dict.fromkeys(aggregates, "long"),
        rows=[
            dict(zip(keys, values, strict=True)) | {name: aggregate(rows) for name, aggregate in aggregates.items()}
            for values, rows in groups.items()
        ],
    )


def _aggregate(tokens: Tokens, table: Table) -> tuple[str, Aggregate]:
    name = tokens.name()
    function = name
    if tokens.accept("="):
        function = tokens.name()
    else:
        name = f"{name}_"
    tokens.expect("(")
    if function == "count":
        tokens.expect(")")
        return name, len
    if function != "countif":
        raise semantic_error(f"Unknown aggregate function: '{function}'")
    test = condition(tokens, table.columns)
    tokens.expect(")")
    return name, lambda rows: sum(bool(test(row)) for row in rows)


def _key(tokens: Tokens, table: Table) -> tuple[str, tuple[str, Value]]:
    """A column of the result is named after the column that it is made of, a bin's too."""
    if tokens.next.text != "bin":
        name = column(tokens.name(), table.columns)
        return name, (table.columns[name], lambda row: row[name])
    tokens.take()
    tokens.expect("(")
    name = column(tokens.name(), table.columns)
    tokens.expect(",")
    size = scalar(tokens, table.columns)
    tokens.expect(")")
    return name, (table.columns[name], lambda row: row[name] - row[name] % size(row))


_OPERATORS: Mapping[str, Callable[[Tokens, Table], Table]] = {
    "where": _where,
    "project": _project,
    "take": _take,
    "limit": _take,
    "order": _order,
    "sort": _order,
    "summarize": _summarize,
}
