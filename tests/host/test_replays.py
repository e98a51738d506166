"""`signalbox replay`: stored histories through the code that wrote them, and through code that was changed since."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from signalbox.cli.main import main
from signalbox.host.clock import VirtualClock
from signalbox.host.durable.functions import app_orchestrators, durable_names
from signalbox.host.functions import index, load_app
from signalbox.host.replays.histories import StoredHistory, read_database, read_files, write_file
from signalbox.host.replays.turns import ReplayReport, replay
from signalbox.host.testing import LocalHost

APP = Path(__file__).parent / "apps" / "durable"
_INPUTS: dict[str, Any] = {
    **{"chain": ["a", "b"], "fan": 3, "sleeping": 3600, "approval": None, "parent": None, "failing": None},
    **{"parent_of_failing": None, "identifiers": None, "counting": None, "asks_for_nothing_there": None},
    "retrying": {"key": "replayed", "failures": 2},
}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped host's state: one instance of each kind that has ended, and two that have not."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "1")
        asyncio.run(_play(folder))
    return folder


async def _play(folder: Path) -> None:
    async with LocalHost(APP, folder, clock=VirtualClock()) as host:
        for name, input_ in _INPUTS.items():
            await host.start(name, name, input_)
        await host.advance(timedelta(hours=2))
        await host.raise_event("approval", "Approval", "yes")
        await host.start("collecting", "waiting")
        await host.start("sleeping", "stopped", 60)
        await host.settle()
        await host.terminate("stopped", "enough")
        await host.start("sleeping", "asleep", 3600)
        await host.settle()


def replayed(history: StoredHistory, app: Path = APP) -> ReplayReport:
    functions = index(load_app(app), app).values()
    return replay(history, app_orchestrators(functions), durable_names(functions))


def changed(folder: Path, *replacements: tuple[str, str]) -> Path:
    """The sample app with other text in place of some of its own."""
    folder.mkdir()
    text = (APP / "function_app.py").read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    (folder / "function_app.py").write_text(text)
    return folder


def history_of(state: Path, instance: str) -> StoredHistory:
    (history,) = read_database(state, [instance])
    return history


def test_unchanged_code_decides_at_each_turn_what_it_has_decided(state: Path, tmp_path: Path) -> None:
    histories = list(read_database(state, [*_INPUTS, "waiting", "stopped", "asleep"]))
    assert len(histories) == len(_INPUTS) + 3

    for history in histories:
        report = replayed(history)
        assert (report.instance, report.divergence, report.warnings) == (history.row.instance_id, "", [])
        assert len(report.turns) == len(history.turns) > 0


def test_a_turn_tells_what_came_and_what_was_decided(state: Path) -> None:
    first, *_, last = replayed(history_of(state, "chain")).turns

    assert first.events == ['ExecutionStarted chain "[\\"a\\", \\"b\\"]"']
    assert first.decisions == ['call greet "a"']
    assert (last.events, last.decisions) == (
        ['TaskCompleted greet "hello b"'],
        ['ends with ["hello a", "hello b"]'],
    )


def test_only_what_has_not_ended_is_read_where_nothing_is_named(state: Path) -> None:
    assert {history.row.instance_id for history in read_database(state, [])} == {"waiting", "asleep"}


@pytest.mark.parametrize(
    ("instance", "old", "new", "divergence"),
    [
        ("chain", '"greet", name', '"double", 1', "turn 1, action 1: the history has activity 'greet'"),
        ("fan", "range(context.get_input())", "range(4)", "turn 1, action 4: the history has nothing more"),
        ("parent", 'yield context.call_sub_orchestrator("chain", ["b"]', '1; (["b"]', "turn 2, action 2: the history"),
        ("sleeping", 'return "awake"', 'return "up"', 'turn 2: the history ends with "awake", the code with "up"'),
        ("sleeping", 'return "awake"', "raise ValueError", "turn 2: the history ends as Completed, the code fails"),
        ("failing", 'raise ValueError("no good")', "return 1", "ends as Failed, the code ends with 1"),
        ("asleep", "yield context.create_timer", "return context.create_timer", "asks for nothing more"),
        ("chain", "results = []", "return []", "turn 1, action 1: the history has activity 'greet' with input \"a\""),
        ("chain", "def chain(", "def chained(", "the app has no orchestrator 'chain'"),
    ],
)  # fmt: skip
def test_changed_code_is_named_at_its_first_other_decision(
    state: Path, tmp_path: Path, instance: str, old: str, new: str, divergence: str
) -> None:
    report = replayed(history_of(state, instance), changed(tmp_path / "changed", (old, new)))

    assert divergence in report.divergence


async def test_an_activity_that_is_awaited_may_not_be_gone(tmp_path: Path) -> None:
    async with LocalHost(APP, tmp_path / "state", clock=VirtualClock()) as host:
        await host.start("retrying", "i", {"key": str(tmp_path), "failures": 1})
        await host.settle()
    history = history_of(tmp_path / "state", "i")
    opened = [turn for turn in history.turns if any(event["EventType"] == 4 for event in turn)]
    begun = StoredHistory(row=history.row, turns=opened[:1])

    app = changed(tmp_path / "changed", ("def flaky(", "def flakier("))

    assert replayed(begun, app).divergence == "the history waits for 'flaky', and the app has no such function"
    assert replayed(begun).divergence == ""


def test_another_input_is_a_warning_and_with_strict_a_divergence(state: Path, tmp_path: Path) -> None:
    app = changed(tmp_path / "changed", ('call_activity("greet", name)', 'call_activity("greet", name * 1 + "")'))
    assert replayed(history_of(state, "chain"), app).warnings == []
    app = changed(tmp_path / "other", ('call_activity("greet", name)', 'call_activity("greet", name + "!")'))
    write_file(history_of(state, "chain"), tmp_path / "kept")

    lenient, strict = (
        CliRunner().invoke(main, ["replay", "--from", str(tmp_path / "kept"), "--against", str(app), *options])
        for options in ([], ["--strict"])
    )

    assert "warning: turn 1, action 1: activity 'greet' has another input" in lenient.output
    assert (lenient.exit_code, strict.exit_code) == (0, 1), strict.output
    assert "1 replayed, 1 diverge" in strict.output


def test_an_exported_history_replays_as_the_stored_one(state: Path, tmp_path: Path) -> None:
    export = CliRunner().invoke(main, ["replay", "--from", str(state), "--export", str(tmp_path / "kept")])
    assert export.exit_code == 0, export.output
    assert len(list(read_files(tmp_path / "kept"))) == 2

    gate = CliRunner().invoke(main, ["replay", "--from", str(tmp_path / "kept"), "--against", str(APP), "--json"])

    reports = json.loads(gate.output)
    assert gate.exit_code == 0
    assert sorted(report["instance"] for report in reports) == ["asleep", "waiting"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{}", "its field 'format' is not 'signalbox.history/1'"),
        ("[", "Expecting value"),
        ('{"format": "signalbox.history/1", "instance": {}, "turns": []}', "cannot be read: KeyError: 'status'"),
    ],
)
def test_a_file_that_holds_no_history_is_named(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "a.json").write_text(content)

    refusal = CliRunner().invoke(main, ["replay", "--from", str(tmp_path), "--against", str(APP)])

    assert refusal.exit_code == 2
    assert "a.json" in refusal.output
    assert reason in refusal.output


def test_an_app_that_cannot_be_imported_is_told_with_its_reason(state: Path, tmp_path: Path) -> None:
    app = tmp_path / "broken"
    app.mkdir()
    (app / "function_app.py").write_text("raise SystemExit(3)")

    refusal = CliRunner().invoke(main, ["replay", "--from", str(state), "--against", str(app)])

    assert refusal.exit_code == 8
    assert "cannot be replayed: the app cannot be imported" in refusal.output
