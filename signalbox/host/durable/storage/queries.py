"""Lists of instances and entities as SQL: a page is read along one index, however many rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from signalbox.host.durable.model import Status
from signalbox.host.moments import to_text

Key = tuple[str, str]
"""Where a page ended: the moment and the id of its last row."""

Query = tuple[str, list[str]]
"""SQL and its parameters."""

_BY_TIME, _BY_ID = "created, instance_id", "instance_id"
# No text holds this character, so that every text with a prefix is less than the prefix and it.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which instances a query or a purge means. Times are inclusive; no statuses means all."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: Sequence[Status] = ()
    prefix: str | None = None

    def page(self, columns: str, top: int | None, after: Key | None = None) -> Query:
        """At most *top* of the instances behind *after*. They come by creation time, or by id where the prefix is all
        that is asked: as long as an index gives the order, nothing behind the page is read.

        The indexes are named, since SQLite would guess which is best, and its guess for a status that few have differs
        from that for one that nearly all have.
        """
        if self.statuses:
            # One index walk for each status: for several at once SQLite would read all of them and sort.
            arms = [self._arm(columns, "INDEXED BY instances_status", top, after, status) for status in self.statuses]
            parts, values = zip(*arms, strict=True)
            union = " UNION ALL ".join(f"SELECT * FROM ({part})" for part in parts)
            return f"{union} ORDER BY {_BY_TIME} LIMIT {_limit(top)}", [value for one in values for value in one]
        if self.prefix:
            return self._arm(columns, "", top, after, order=_BY_ID)
        return self._arm(columns, "INDEXED BY instances_created", top, after)

    def _arm(
        self,
        columns: str,
        index: str,
        top: int | None,
        after: Key | None,
        status: Status | None = None,
        order: str = _BY_TIME,
    ) -> Query:
        parts, values = list[str](), list[str]()
        if status is not None:
            parts.append("status = ?")
            values.append(str(status))
        if after is not None:
            # By the last key and not by OFFSET: instances that are purged between two pages would move the rest, and
            # some would be skipped.
            by_time = order == _BY_TIME
            parts.append("(created, instance_id) > (?, ?)" if by_time else "instance_id > ?")
            values += after if by_time else after[1:]
        if self.created_from and (after is None or order == _BY_ID):  # Else what comes after is later by itself.
            parts.append("created >= ?")
            values.append(to_text(self.created_from))
        if self.created_to:
            parts.append("created <= ?")
            values.append(to_text(self.created_to))
        if self.prefix:
            parts.append("instance_id >= ? AND instance_id < ?")
            values += [self.prefix, self.prefix + _LAST]
        where = " AND ".join(parts) or "1"
        sql = f"SELECT {columns} FROM instances {index} WHERE {where} ORDER BY {order} LIMIT {_limit(top)}"
        return sql, values


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityFilter:
    """Which entities a list shows: those of a name, changed between two moments."""

    name: str | None = None
    changed_from: datetime | None = None
    changed_to: datetime | None = None

    def page(self, top: int | None, after: Key | None = None) -> Query:
        """At most *top* of the entities behind *after*, by the time of their last change; by key where a name is asked
        for."""
        parts, values = ["1"], list[str]()
        if self.name:
            parts.append("entity_id >= ? AND entity_id < ?")
            values += [f"@{self.name.lower()}@", f"@{self.name.lower()}@{_LAST}"]
        if after is not None:
            parts.append("entity_id > ?" if self.name else "(updated, entity_id) > (?, ?)")
            values += after[1:] if self.name else after
        if self.changed_from:
            parts.append("updated >= ?")
            values.append(to_text(self.changed_from))
        if self.changed_to:
            parts.append("updated <= ?")
            values.append(to_text(self.changed_to))
        index, order = ("", "entity_id") if self.name else ("INDEXED BY entities_updated", "updated, entity_id")
        sql = f"SELECT * FROM entities {index} WHERE {' AND '.join(parts)} ORDER BY {order} LIMIT {_limit(top)}"
        return sql, values


def _limit(top: int | None) -> int:
    return -1 if top is None else top
