"""`signalbox answers`: what is held with its reasons, and the order that has a part published."""

import json

from shared.records.inference import GivenOrder
from shared.records.production.answers import HeldPart, held_path, release_path
from tests.cli.conftest import run
from tests.inference.conftest import InferenceApp

HOLD = HeldPart(
    part="online-v1-1",
    answers="online",
    environment="dev",
    contract="outputs.yaml",
    at="2026-11-29T13:20:00Z",
    rows=2,
    outputs="signalbox-staging/answers/online-v1-1/outputs.csv",
    because=("max: column risk: 1 value is above the maximum", "a second reason"),
)


async def test_held_parts_are_listed_with_their_reasons_and_who_may_release_them(app: InferenceApp) -> None:
    empty = await run(app, "answers", "held")
    app.clients.store.create(held_path(HOLD.part), HOLD)

    table, answer = await run(app, "answers", "held"), await run(app, "answers", "held", "--json")

    assert empty.output == "no part is held\n"
    header, row = (line.split("\t") for line in table.output.splitlines())
    assert header == ["part", "judged", "because", "outputs", "may release"]
    assert row[:4] == [HOLD.part, HOLD.at, "; ".join(HOLD.because), HOLD.outputs]
    assert row[4]
    (part,) = json.loads(answer.output)["parts"]
    assert (part["part"], part["because"], part["released"]) == (HOLD.part, list(HOLD.because), False)


async def test_a_release_is_recorded_once_with_its_reason(app: InferenceApp) -> None:
    app.clients.store.create(held_path(HOLD.part), HOLD)

    first = await run(app, "answers", "release", HOLD.part, "--reason", "a known outlier")
    again = await run(app, "answers", "release", HOLD.part, "--reason", "another", "--json")

    order = app.clients.store.get(GivenOrder, release_path(HOLD.part))
    assert order is not None
    assert (first.exit_code, again.exit_code, order.reason) == (0, 0, "a known outlier"), first.output
    assert [line.split() for line in first.output.splitlines()][:2] == [["run", HOLD.part], ["order", "release"]]
    assert json.loads(again.output)["recorded"] is False


async def test_a_release_needs_a_reason_and_a_part_that_is_held(app: InferenceApp) -> None:
    silent = await run(app, "answers", "release", HOLD.part)
    unknown = await run(app, "answers", "release", HOLD.part, "--reason", "why not")
    unsigned = await run(app, "answers", "release", HOLD.part, "--reason", "r", "--as", "ada@example.org")

    assert (silent.exit_code, "Missing option '--reason'" in silent.stderr) == (2, True)
    assert (unknown.exit_code, "`signalbox answers held` lists those that are" in unknown.stderr) == (4, True)
    assert unsigned.exit_code not in (0, 1), unsigned.output  # A person is signed in before the app is asked.
    assert app.clients.store.get(GivenOrder, release_path(HOLD.part)) is None
