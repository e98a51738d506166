"""The adapter of ServiceNow against its emulator: found before made, values and no labels, and what is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp.test_utils import TestClient, TestServer

from shared.adapters.service_now.client import ServiceNowRest
from shared.adapters.service_now.desk import ServiceNowDesk
from shared.adapters.service_now.opening import open_provisioner
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.provisioning.orders import RequestRef
from signalbox.emulators.service_now.app import ServiceNowOptions, create_app

T = TypeVar("T")
FIELDS = {"short_description": "Provision", "description": "plan", "parent": "0" * 32}


class Instance:
    """An instance with one item that is approved, and the adapter as a client of it."""

    def __init__(self, client: TestClient[Any, Any], secret: str = "secret") -> None:
        self.client = client
        self.address = str(client.make_url("")).rstrip("/")
        self.rest = ServiceNowRest(self.address, "client", secret)
        self.desk = ServiceNowDesk(self.rest)

    async def control(self, path: str, body: Any = None) -> Any:
        answer = await (self.client.get(path) if body is None else self.client.post(path, json=body))
        return await answer.json()

    async def item(self, approved: bool = True) -> RequestRef:
        body = {"variables": {}, "person": "ada", "approved": approved, "times": 0}
        item = (await self.control("/_control/order", body))["item"]
        return RequestRef(number=item["number"], sys_id=item["sys_id"])

    async def rows(self, table: str) -> list[dict[str, str]]:
        return list((await self.control("/_control/state"))[table])


async def beside(act: Callable[..., T], *arguments: Any) -> T:
    """The adapter blocks, and the emulator lives in this loop."""
    return await asyncio.to_thread(act, *arguments)


@pytest.fixture
async def instance(tmp_path: Path) -> AsyncIterator[Instance]:
    (tmp_path / "emulators").mkdir()
    options = ServiceNowOptions(
        state=tmp_path, base="https://x", client="client", secret="secret", door="http://127.0.0.1:9/", key="k"
    )
    async with TestClient(TestServer(create_app(options))) as client:
        yield Instance(client)


async def test_a_change_is_found_by_its_correlation_before_it_is_made(instance: Instance) -> None:
    first = await beside(instance.desk.open_change, "c1", FIELDS)
    again = await beside(instance.desk.open_change, "c1", FIELDS)
    other = await beside(instance.desk.open_change, "c2", FIELDS)

    assert (first, first.state, first.approval) == (again, "-5", "not requested")
    assert other.number != first.number
    assert len(await instance.rows("change_request")) == 2


async def test_a_note_is_written_once_for_each_mark(instance: Instance) -> None:
    item = await instance.item()
    for mark in ("signalbox a", "signalbox a", "signalbox b"):
        await beside(instance.desk.note, item, mark, "The order is planned.")
    await beside(instance.desk.open_change, "c1", FIELDS)
    for _ in range(2):
        await beside(instance.desk.note_change, "c1", "signalbox a", "Opened.")

    notes = [row["value"] for row in await instance.rows("sys_journal_field") if row["element_id"] == item.sys_id]
    assert notes == ["The order is planned.\n[signalbox a]", "The order is planned.\n[signalbox b]"]
    assert len(await instance.rows("sys_journal_field")) == 3


async def test_an_item_is_closed_once_and_a_persons_word_counts(instance: Instance) -> None:
    item, other = await instance.item(), await instance.item(approved=False)
    for _ in range(2):
        await beside(instance.desk.close, item, True, "ready")
    await beside(instance.desk.close, item, False, "rejected")
    await beside(instance.desk.close, other, False, "rejected")

    rows = {row["number"]: row["state"] for row in await instance.rows("sc_req_item")}
    assert rows == {item.number: "3", other.number: "4"}
    assert await beside(instance.desk.approval, item) == "approved"
    assert await beside(instance.desk.approval, other) == "requested"


async def test_a_number_of_another_item_is_refused(instance: Instance) -> None:
    item, other = await instance.item(), await instance.item()

    with pytest.raises(Refused, match=f"is {other.number} in ServiceNow, and not {item.number}"):
        await beside(instance.desk.approval, RequestRef(number=item.number, sys_id=other.sys_id))
    with pytest.raises(Refused, match="404 No Record found: Record doesn't exist or ACL restricts"):
        await beside(instance.desk.approval, RequestRef(number="RITM0000001", sys_id="0" * 32))
    with pytest.raises(Refused, match="was removed from ServiceNow"):
        await beside(instance.desk.look_at_change, "nothing")


async def test_the_client_approves_nothing_and_skips_no_state(instance: Instance) -> None:
    change = await beside(instance.desk.open_change, "c1", {**FIELDS, "approval": "approved", "state": "-1"})
    assert (change.state, change.approval) == ("-5", "not requested")

    for fields, reason in (
        ({"approval": "approved"}, "403 Operation Failed: ACL Exception"),
        ({"state": "-1"}, "403 Operation Failed: Error during update of record: state -5 cannot become -1"),
    ):
        with pytest.raises(Refused, match=reason):
            await beside(instance.rest.update, "change_request", change.sys_id, fields, "change")
    with pytest.raises(Refused, match="403"):
        await beside(instance.rest.create, "sys_user", {"name": "x"}, "create")


@pytest.mark.parametrize(
    ("decision", "state", "approval"),
    [("approve", "-1", "approved"), ("reject", "-5", "rejected"), ("cancel", "4", "not requested")],
)
async def test_what_people_decide_is_read_as_values(
    instance: Instance, decision: str, state: str, approval: str
) -> None:
    change = await beside(instance.desk.open_change, "c1", FIELDS)
    await instance.control("/_control/decide", {"number": change.number, "decision": decision})
    seen = await beside(instance.desk.look_at_change, "c1")

    assert (seen.state, seen.approval) == (state, approval)


@pytest.mark.parametrize(
    ("decision", "is_successful", "state", "code"),
    [("approve", True, "3", "successful"), ("approve", False, "3", "unsuccessful"), ("reject", False, "4", None)],
)
async def test_a_change_is_closed_once_by_the_states_that_lead_there(
    instance: Instance, decision: str, is_successful: bool, state: str, code: str | None
) -> None:
    change = await beside(instance.desk.open_change, "c1", FIELDS)
    await instance.control("/_control/decide", {"number": change.number, "decision": decision})
    for text in ("ended", "ended again"):
        await beside(instance.desk.close_change, "c1", is_successful, text)
    await beside(instance.desk.close_change, "nobody opened it", True, "ended")

    (row,) = await instance.rows("change_request")
    assert (row["state"], row.get("close_code"), row["close_notes"]) == (state, code, "ended")


async def test_a_wrong_secret_and_a_wrong_address_are_refused_and_a_throttle_is_waited_for(instance: Instance) -> None:
    stranger = Instance(instance.client, "wrong")
    with pytest.raises(Refused, match="sign in: 401 access_denied"):
        await beside(stranger.desk.look_at_change, "c1")

    item = await instance.item()
    await beside(instance.desk.approval, item)
    await instance.control("/_control/disturb", {"status": 429, "times": 1, "after": 30})
    with pytest.raises(PutOff, match="next try is in 30 s"):
        await beside(instance.desk.note, item, "signalbox a", "x")
    await instance.control("/_control/disturb", {"status": 500, "times": 1})
    with pytest.raises(Transient, match="500"):
        await beside(instance.desk.note, item, "signalbox a", "x")
    await instance.control("/_control/disturb", {"status": 401, "times": 1})
    await beside(instance.desk.note, item, "signalbox a", "x")
    assert len(await instance.rows("sys_journal_field")) == 1


def test_without_an_instance_the_remedy_is_named() -> None:
    with pytest.raises(Refused, match="SERVICE_NOW_URL"):
        open_provisioner("", "", "", None)  # type: ignore[arg-type]
