"""`signalbox dlq`: what could not be taken in is listed page by page, shown, and replayed once somebody says so."""

import asyncio
import json
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from signalbox.cli.main import main
from tests.fakes.ports import OPERATOR_KEY
from tests.http_api.conftest import ask
from tests.inference.conftest import InferenceApp, created


async def dlq(app: InferenceApp, *given: str) -> Result:
    run = CliRunner(env={"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY})
    return await asyncio.to_thread(run.invoke, main, ["dlq", *given])


def letter(app: InferenceApp, name: str) -> str:
    """An event that Event Grid could not deliver, of a file of its own."""
    blob = app.land(f"landing/each/north/{name}.csv")
    raw = [{**created(blob, name), "deadLetterReason": "MaxDeliveryAttemptsExceeded"}]
    app.land(f"dead-letters/event-grid/HUB/{name}.json", json.dumps(raw).encode())
    return f"event-grid/HUB/{name}.json"


async def test_a_replay_says_first_and_does_it_once_it_is_told_to(app: InferenceApp) -> None:
    path = letter(app, "a")

    listed, shown = await dlq(app, "list"), await dlq(app, "show", path)
    said = await dlq(app, "replay", path)
    before = len(app.jobs.created)
    done, again = await dlq(app, "replay", path, "--yes"), await dlq(app, "replay", path, "--yes")
    await app.host.advance(timedelta(seconds=60), timeout=60)

    assert listed.output.splitlines()[1].split("\t")[::2] == [path, "MaxDeliveryAttemptsExceeded"]
    assert '"deadLetterReason": "MaxDeliveryAttemptsExceeded"' in shown.output
    for each in (shown, said):
        assert "would start a run of route each" in each.output
    assert "nothing was done; --yes does it" in said.output
    assert (before, len(app.jobs.created)) == (0, 1)
    assert ("started" in done.output, "skipped" in again.output) == (True, True)


async def test_all_are_listed_page_by_page_and_replayed_together(app: InferenceApp) -> None:
    paths = [letter(app, f"{number:02d}") for number in range(5)]

    first = (await ask(app, "GET", "dead-letters?limit=2"))[2]
    rest = (await ask(app, "GET", f"dead-letters?limit=4&cursor={first['next']}"))[2]
    replayed = await dlq(app, "replay", "--all", "--yes", "--json")

    assert (first["total"], rest["total"], rest["next"]) == (None, None, "")  # Counting would list them all.
    assert sorted(each["path"] for each in (*first["letters"], *rest["letters"])) == paths
    assert {each["path"] for each in json.loads(replayed.output)} == set(paths)
    assert {said for each in json.loads(replayed.output) for (said,) in each["events"]} != set()
    assert len((await ask(app, "GET", "runs"))[2]["runs"]) <= 5
    assert replayed.exit_code == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("replay",), "name PATHS, or give --all"),
        (("replay", "x", "--all"), "name PATHS, or give --all"),
        (("replay", "nowhere.json"), "list the letters first"),
        (("show", "../x"), "a path that the list of dead letters says"),
    ],
)
async def test_what_is_asked_for_wrongly_is_refused_in_words(
    app: InferenceApp, given: tuple[str, ...], said: str
) -> None:
    result = await dlq(app, *given)

    assert result.exit_code != 0
    assert said in result.output


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 100_000, b"null", b"[1, null]", b"{}"])
async def test_a_letter_of_any_content_is_shown_and_stays_where_it_is(app: InferenceApp, content: bytes) -> None:
    app.land("dead-letters/odd", content)

    listed = await ask(app, "GET", "dead-letters")
    shown = await ask(app, "GET", "dead-letters/letter?path=odd")
    replayed = await ask(app, "POST", "dead-letters/replay", {"path": "odd", "dry_run": False})

    assert [answer[0] for answer in (listed, shown, replayed)] == [200, 200, 200]
    assert app.hub.read("dead-letters", "odd") == content


async def test_what_was_replayed_before_one_fails_is_told(app: InferenceApp) -> None:
    path = letter(app, "a")
    other = path.replace("a.json", "b.json")

    lines = await dlq(app, "replay", path, other, "--yes")
    answers = await dlq(app, "replay", path, other, "--yes", "--json")

    assert lines.exit_code != 0
    assert lines.output.splitlines()[0] == path
    assert "1 of 2 letters replayed; the rest is as it was" in lines.output
    assert other in lines.output  # Named, with what is near.
    assert json.loads(answers.stdout)[0]["path"] == path
