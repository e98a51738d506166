"""The tables: rows as ServiceNow keeps them (texts everywhere), encoded queries, and which changes are refused.

https://www.servicenow.com/docs, "Table API" and "Encoded query strings"; the states of a change are those of a new
instance.
"""

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_devops.store import Store

Row = dict[str, str]
READABLE = ("sc_request", "sc_req_item", "change_request", "sys_user", "sys_journal_field")
_WRITABLE = ("sc_req_item", "change_request")
_PREFIX = {"sc_request": "REQ", "sc_req_item": "RITM", "change_request": "CHG", "sys_user": ""}
_JOURNALS = ("work_notes", "comments")
_DEFAULTS: dict[str, Row] = {
    "sc_req_item": {"state": "1", "approval": "requested"},
    "change_request": {"state": "-5", "approval": "not requested", "type": "normal"},
}
# From each state of a change to those that may follow; 4 is Canceled, and what is closed stays so.
_CHANGE_STATES = {
    "-5": ("-4", "4"),
    "-4": ("-3", "4"),
    "-3": ("-2", "4"),
    "-2": ("-1", "4"),
    "-1": ("0", "4"),
    "0": ("3",),
    "3": (),
    "4": (),
}
_ITEM_STATES = {"1": ("2", "3", "4", "7"), "2": ("3", "4", "7"), "3": (), "4": (), "7": ()}
LABELS = {
    ("change_request", "state"): {
        "-5": "New",
        "-4": "Assess",
        "-3": "Authorize",
        "-2": "Scheduled",
        "-1": "Implement",
        "0": "Review",
        "3": "Closed",
        "4": "Canceled",
    },
    ("sc_req_item", "state"): {
        "1": "Open",
        "2": "Work in Progress",
        "3": "Closed Complete",
        "4": "Closed Incomplete",
        "7": "Closed Skipped",
    },
}
REFERENCES = {("sc_req_item", "request"), ("sc_req_item", "requested_for"), ("change_request", "parent")}
_TERM = re.compile(r"([a-z_]+)(=|IN|LIKE)(.*)", re.DOTALL)


class Refused(Exception):
    """A request that ServiceNow answers with an error of *status*: a message, and its detail."""

    def __init__(self, status: int, message: str, detail: str) -> None:
        super().__init__(message)
        self.status, self.message, self.detail = status, message, detail


class Tables:
    def __init__(self, path: Path) -> None:
        self._store = Store(path)

    def rows(self, table: str, query: str) -> list[Row]:
        """Those that fit the encoded *query*. A term about a field that no row has is ignored, as by default there."""
        rows = list(self._all(table))
        terms = [term for term in query.split("^") if term]
        for term in terms:
            match = _TERM.fullmatch(term)
            if match is None or term.startswith("ORDERBY"):
                continue
            field, operator, value = match.groups()
            if any(field in row for row in rows):
                rows = [row for row in rows if _fits(row.get(field, ""), operator, value)]
        for term in reversed([term for term in terms if term.startswith("ORDERBY")]):
            is_descending = term.startswith("ORDERBYDESC")
            field = term.removeprefix("ORDERBYDESC").removeprefix("ORDERBY")
            rows.sort(key=lambda row: row.get(field, ""), reverse=is_descending)
        return rows

    def row(self, table: str, sys_id: str) -> Row:
        """Raises Refused: what is not there and what is hidden look the same."""
        self._known(table)
        row = self._store.get(table, sys_id)
        if row is None:
            raise Refused(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        return row

    def create(self, table: str, fields: Row, by: str) -> Row:
        if table not in _WRITABLE:
            raise Refused(403, "Operation Failed", "ACL Exception Insert Failed due to security constraints")
        return self.insert(
            table, {name: value for name, value in fields.items() if name not in ("state", "approval")}, by
        )

    def insert(self, table: str, fields: Row, by: str) -> Row:
        """A row as the instance itself makes it; journal fields become rows of their own."""
        sys_id = fields.get("sys_id") or uuid.uuid4().hex
        row = {**_DEFAULTS.get(table, {}), **{name: text for name, text in fields.items() if name not in _JOURNALS}}
        row |= {"sys_id": sys_id, "sys_mod_count": "0", "sys_created_on": _now(), "sys_updated_on": _now()}
        row |= {"sys_created_by": by, **dict.fromkeys(_JOURNALS, "")}
        if _PREFIX.get(table):
            row["number"] = f"{_PREFIX[table]}{self._store.next_number(table) + 10000:07d}"
        self._store.put(table, sys_id, row)
        self._store.count("inserted", table)
        self._write_journals(sys_id, table, fields, by)
        return row

    def update(self, table: str, sys_id: str, fields: Row, by: str, acts: bool = False) -> Row:
        """*acts*: the instance itself, or a person in it. A client of the API may not approve anything."""
        self._known(table)
        if table not in _WRITABLE or ("approval" in fields and not acts):
            raise Refused(403, "Operation Failed", "ACL Exception Update Failed due to security constraints")

        def change(row: dict[str, Any]) -> None:
            self._refuse_state(table, row, fields)
            row.update({name: text for name, text in fields.items() if name not in _JOURNALS})
            row.update(sys_updated_on=_now(), sys_mod_count=str(int(row["sys_mod_count"]) + 1))

        self.row(table, sys_id)
        row = self._store.change(table, sys_id, change)
        self._write_journals(sys_id, table, fields, by)
        return row

    def state(self) -> dict[str, Any]:
        return {**{table: self._store.all(table) for table in READABLE}, "effects": self._store.effects()}

    def _all(self, table: str) -> Iterable[Row]:
        self._known(table)
        return self._store.all(table)

    def _known(self, table: str) -> None:
        if table not in READABLE:
            raise Refused(400, f"Invalid table {table}", "")

    def _refuse_state(self, table: str, row: Row, fields: Row) -> None:
        states = _CHANGE_STATES if table == "change_request" else _ITEM_STATES
        wanted = fields.get("state", row["state"])
        if wanted != row["state"] and wanted not in states[row["state"]]:
            detail = f"Error during update of record: state {row['state']} cannot become {wanted}"
            raise Refused(403, "Operation Failed", detail)
        approval = fields.get("approval", row["approval"])
        if table == "change_request" and wanted in ("-2", "-1") and approval != "approved":
            raise Refused(403, "Operation Failed", "Error during update of record: the change is not approved")

    def _write_journals(self, sys_id: str, table: str, fields: Row, by: str) -> None:
        for name in _JOURNALS:
            if fields.get(name):
                entry = {"element_id": sys_id, "name": table, "element": name, "value": fields[name]}
                own = {"sys_id": uuid.uuid4().hex, "sys_created_on": _now(), "sys_created_by": by}
                self._store.put("sys_journal_field", own["sys_id"], {**entry, **own})
                self._store.count(name, table)


def _fits(value: str, operator: str, wanted: str) -> bool:
    tests: dict[str, Callable[[], bool]] = {
        "=": lambda: value == wanted,
        "IN": lambda: value in wanted.split(","),
        "LIKE": lambda: wanted.lower() in value.lower(),
    }
    return tests[operator]()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
