"""`signalbox replay --hub`: histories of a task hub in Azure Storage, read by the real clients from Azurite.

They are those of `test_replays.py`, stored as the Durable extension stores them: with less in them.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signalbox.cli.main import main
from signalbox.host.durable.history import Code, Event, event
from signalbox.host.durable.model import InstanceRow, Status
from signalbox.host.errors import HostError
from signalbox.host.moments import to_text
from signalbox.host.replays.azure_storage import StorageHub, escaped, unescaped
from signalbox.host.replays.histories import AZURE, StoredHistory, read_database
from tests.host.azure_hub import Azurite, Hub
from tests.host.test_replays import _INPUTS, APP, changed, history_of, replayed, state

__all__ = ["state"]  # The fixture of the histories.

pytestmark = [
    pytest.mark.xdist_group("azure histories"),
    pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js, which Azurite needs"),
]


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    started = Azurite(tmp_path_factory.mktemp("azurite"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def written(azurite: Azurite, state: Path) -> StorageHub:
    """A hub with every history of the stopped host, and what else such a hub holds."""
    hub = Hub(azurite, "played")
    for history in read_database(state, [*_INPUTS, "waiting", "stopped", "asleep"]):
        hub.write(history)
    moment = datetime.now(UTC)
    known = {"CreatedTime": moment, "LastUpdatedTime": moment}
    hub.put_instance("@counter@one", Name="@counter", RuntimeStatus="Running", **known)
    hub.put_instance("not begun", Name="chain", RuntimeStatus="Pending", **known)
    return StorageHub("played", azurite.tables, azurite.blobs)


def read(hub: StorageHub, instance: str) -> StoredHistory:
    (history,) = hub.histories([instance])
    return history


def test_unchanged_code_decides_what_it_has_decided_on_azure(written: StorageHub) -> None:
    histories = list(written.histories([*_INPUTS, "waiting", "stopped", "asleep"]))
    assert len(histories) == len(_INPUTS) + 3

    for history in histories:
        report = replayed(history)
        assert (report.instance, report.divergence, report.warnings) == (history.row.instance_id, "", [])


def test_only_orchestrations_that_have_begun_and_not_ended_are_read(written: StorageHub) -> None:
    assert {history.row.instance_id for history in written.histories([])} == {"waiting", "asleep"}


@pytest.mark.parametrize(
    ("instance", "old", "new", "divergence"),
    [
        ("chain", '"greet", name', '"double", 1', "turn 1, action 1: the history has activity 'greet'"),
        ("fan", "range(context.get_input())", "range(4)", "turn 1, action 4: the history has nothing more"),
        ("retrying", "return [result,", 'yield context.create_timer(begun)\n    return [result,', "turn 6, action 2"),
        ("approval", 'yield context.call_activity("greet", "x")', "", "turn 2, action 3: the history has activity"),
        ("counting", 'context.signal_entity(entity, "add", 5)', "", "turn 1, action 2: the history has entity"),
        ("asleep", "yield context.create_timer", "return context.create_timer", "asks for nothing more"),
    ],
)  # fmt: skip
def test_changed_code_is_named_at_its_first_other_decision_on_azure(
    written: StorageHub, tmp_path: Path, instance: str, old: str, new: str, divergence: str
) -> None:
    report = replayed(read(written, instance), changed(tmp_path / "changed", (old, new)))

    assert divergence in report.divergence


def test_what_was_too_large_for_a_row_comes_from_its_blob(azurite: Azurite, state: Path) -> None:
    history = history_of(state, "chain")
    names = json.dumps(json.dumps(["a" * 40_000, "b"]))
    turns = [[dict(entry) for entry in turn] for turn in history.turns]
    turns[0][1]["Input"] = names
    turns[1][1]["Result"] = json.dumps("hello " + "a" * 40_000)
    turns[-1][-2]["Result"] = json.dumps(["hello " + "a" * 40_000, "hello b"])
    Hub(azurite, "large").write(replace(history, turns=turns))

    stored = read(StorageHub("large", azurite.tables, azurite.blobs), "chain")

    assert stored.row.input == names
    assert replayed(stored).divergence == ""
    assert len(list(azurite.blobs.get_container_client("large-largemessages").list_blobs())) == 3


def turn(at: datetime, *events: Event) -> list[Event]:
    began, ended = event(Code.ORCHESTRATOR_STARTED, to_text(at)), event(Code.ORCHESTRATOR_COMPLETED, to_text(at))
    return [began, *({**entry, "Timestamp": to_text(at)} for entry in events), ended]


def long_sleep(days: int) -> StoredHistory:
    """Azure cuts a timer of more than six days into parts of three."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(days=passed) for passed in (0, 3, 6, days)]
    parts = [event(Code.TIMER_CREATED, "", number, FireAt=to_text(end)) for number, end in enumerate(moments[1:])]
    fired = [event(Code.TIMER_FIRED, "", TimerId=part["EventId"], FireAt=part["FireAt"]) for part in parts]
    asked = event(Code.EXECUTION_STARTED, "", Name="sleeping", Input=json.dumps(days * 86_400))
    ended = event(Code.EXECUTION_COMPLETED, "", Result='"awake"', OrchestrationStatus="Completed")
    openings = [asked, *fired]
    row = InstanceRow(
        instance_id="long/sleep#1",
        execution_id="e",
        name="sleeping",
        created_at=to_text(start),
        updated_at=to_text(start),
        status=Status.COMPLETED,
        input=asked["Input"],
    )
    steps = zip(moments, openings, [*parts, ended], strict=True)
    return StoredHistory(row=row, turns=[turn(*step) for step in steps])


def test_a_timer_that_azure_cuts_into_parts_is_asked_for_in_parts(azurite: Azurite, tmp_path: Path) -> None:
    Hub(azurite, "longtimers").write(long_sleep(10))
    history = read(StorageHub("longtimers", azurite.tables, azurite.blobs), "long/sleep#1")
    assert history.origin == AZURE

    report = replayed(history)
    assert (report.divergence, len(report.turns)) == ("", 4)
    app = changed(tmp_path / "changed", ('return "awake"', 'yield context.call_activity("greet", "x")'))
    assert "turn 4, action 4: the history has nothing more" in replayed(history, app).divergence


def test_what_comes_while_suspended_is_told_in_the_turn_that_resumes(azurite: Azurite, state: Path) -> None:
    history = history_of(state, "chain")
    first, second, *others = history.turns
    at = datetime(2026, 1, 5, tzinfo=UTC)
    suspended, resumed = turn(at, event(Code.EXECUTION_SUSPENDED, "")), turn(at, event(Code.EXECUTION_RESUMED, ""))
    meanwhile = [entry for entry in second if entry["EventType"] != Code.TASK_SCHEDULED]
    decided = [entry for entry in second if entry["EventType"] == Code.TASK_SCHEDULED]
    turns = [first, suspended, meanwhile, [*resumed[:2], *decided, resumed[2]], *others]
    hub = StorageHub("suspended", azurite.tables, azurite.blobs)
    Hub(azurite, "suspended").write(replace(history, turns=turns))
    assert replayed(read(hub, "chain")).divergence == ""

    Hub(azurite, "suspended").write(replace(history, turns=[first, suspended, meanwhile]))
    assert replayed(read(hub, "chain")).divergence == ""


@pytest.mark.parametrize("instance", ["plain", "a/b\\c#d?e^f", "with\u0001control\u0085s"])
def test_an_instance_is_found_under_its_escaped_key(instance: str) -> None:
    assert unescaped(escaped(instance)) == instance
    assert not set(escaped(instance)) & set("/\\#?\u0001\u0085")


def gate(azurite: Azurite, monkeypatch: pytest.MonkeyPatch, hub: str, *options: str) -> Result:
    monkeypatch.setenv("AzureWebJobsStorage", azurite.connection)
    return CliRunner().invoke(main, ["replay", "--hub", hub, *options])


def test_the_gate_names_what_new_code_would_break(
    azurite: Azurite, written: StorageHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert written.name == "played"
    open_gate = gate(azurite, monkeypatch, "played", "--against", str(APP))
    assert (open_gate.exit_code, open_gate.output.splitlines()[-1]) == (0, "2 replayed, 0 diverge")

    app = changed(tmp_path / "changed", ("yield context.create_timer", "return context.create_timer"))
    shut = gate(azurite, monkeypatch, "played", "--against", str(app))
    assert shut.exit_code == 1
    assert "asleep  sleeping\n  diverges: turn 1, action 1: the history has timer" in shut.output


def test_an_exported_history_of_azure_replays_without_azure(
    azurite: Azurite, written: StorageHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = gate(azurite, monkeypatch, written.name, "approval", "--export", str(tmp_path))
    assert export.exit_code == 0, export.output

    again = CliRunner().invoke(main, ["replay", "--from", str(tmp_path), "--against", str(APP)])
    assert again.output.splitlines()[-1] == "1 replayed, 0 diverge"


def test_a_hub_that_is_not_there_is_told(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = gate(azurite, monkeypatch, "nothing")
    assert refusal.exit_code == 2
    assert "has no task hub 'nothing'" in refusal.output


def test_an_instance_that_is_not_there_is_told(written: StorageHub) -> None:
    with pytest.raises(HostError, match="there is no instance 'x'"):
        read(written, "x")
