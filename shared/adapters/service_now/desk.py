"""Requested items and change requests. Each write looks first for what an earlier one, whose answer was lost, has left.

A journal only grows: a note carries a mark, which is looked for before the note is written.
"""

from collections.abc import Mapping

from shared.adapters.service_now.client import Row, ServiceNowRest
from shared.domain.failures import Refused
from shared.domain.provisioning.orders import RequestRef
from shared.domain.provisioning.plans import ChangeSeen

_ITEM, _CHANGE, _JOURNAL = "sc_req_item", "change_request", "sys_journal_field"
_COMPLETE, _INCOMPLETE, _CLOSED = "3", "4", ("3", "4", "7")  # 7 is Closed Skipped.
_CHANGE_FIELDS = "sys_id,number,state,approval,description"
# A change passes Implement and Review on its way to Closed: ServiceNow refuses to skip one.
_ONWARDS, _CHANGE_CLOSED, _CHANGE_CANCELLED = {"-2": "-1", "-1": "0", "0": "3"}, "3", "4"


class ServiceNowDesk:
    """Implements `shared.ports.ServiceDesk`."""

    def __init__(self, client: ServiceNowRest) -> None:
        self._client = client

    def approval(self, request: RequestRef) -> str:
        row = self._client.row(_ITEM, request.sys_id, "number,approval", f"read {request.number}")
        # The door was told number and sys_id: were they of two items, notes would go to a stranger's.
        if row.get("number") != request.number:
            raise Refused(f"{request.sys_id} is {row.get('number')} in ServiceNow, and not {request.number}")
        return str(row.get("approval", ""))

    def note(self, request: RequestRef, mark: str, text: str) -> None:
        self._note(_ITEM, request.sys_id, mark, text)

    def close(self, request: RequestRef, complete: bool, text: str) -> None:
        state = str(self._client.row(_ITEM, request.sys_id, "state", f"read {request.number}").get("state", ""))
        if state in _CLOSED:
            return  # By us, or by a person meanwhile, whose word counts.
        fields = {"state": _COMPLETE if complete else _INCOMPLETE, "close_notes": text}
        self._client.update(_ITEM, request.sys_id, fields, f"close {request.number}")

    def open_change(self, correlation: str, fields: Mapping[str, str]) -> ChangeSeen:
        change = self._find(correlation)
        if change is None:
            values = {"type": "normal", **fields, "correlation_id": correlation}
            self._client.create(_CHANGE, values, f"open a change for {fields.get('short_description')}")
            change = self._find(correlation)
        if change is None:
            raise Refused(f"the change with correlation {correlation} cannot be read; give the client read access")
        return change

    def look_at_change(self, correlation: str) -> ChangeSeen:
        change = self._find(correlation)
        if change is None:
            raise Refused(f"the change with correlation {correlation} was removed from ServiceNow")
        return change

    def note_change(self, correlation: str, mark: str, text: str) -> None:
        self._note(_CHANGE, self.look_at_change(correlation).sys_id, mark, text)

    def close_change(self, correlation: str, successful: bool, text: str) -> None:
        change = self._find(correlation)
        if change is None or change.state in (_CHANGE_CLOSED, _CHANGE_CANCELLED):
            return
        reason, state = f"close {change.number}", change.state
        if state not in _ONWARDS:
            fields = {"state": _CHANGE_CANCELLED, "close_notes": text}
            self._client.update(_CHANGE, change.sys_id, fields, reason)
            return
        while state in _ONWARDS:
            state = _ONWARDS[state]
            fields = {"state": state}
            if state == _CHANGE_CLOSED:
                fields |= {"close_code": "successful" if successful else "unsuccessful", "close_notes": text}
            self._client.update(_CHANGE, change.sys_id, fields, reason)

    def _find(self, correlation: str) -> ChangeSeen | None:
        """The oldest, should two hosts have made one each at the same moment: both then follow the same."""
        query = f"correlation_id={correlation}^ORDERBYsys_created_on"
        rows = self._client.rows(_CHANGE, query, _CHANGE_FIELDS, f"look for change {correlation}")
        return _change_seen(rows[0]) if rows else None

    def _note(self, table: str, sys_id: str, mark: str, text: str) -> None:
        query = f"element_id={sys_id}^element=work_notes^valueLIKE[{mark}]"
        if not self._client.rows(_JOURNAL, query, "sys_id", f"look for a note on {table}"):
            self._client.update(table, sys_id, {"work_notes": f"{text}\n[{mark}]"}, f"note on {table}")


def _change_seen(row: Row) -> ChangeSeen:
    values = {name: str(row.get(name, "")) for name in ("number", "sys_id", "state", "approval", "description")}
    return ChangeSeen(**values)
