"""Lists have headers, empty ones say so, an unknown name is an error with what is near; `--json` is the app's own."""

import json

import pytest

from signalbox.cli.output import emit_facts, emit_table
from tests.cli.conftest import run
from tests.inference.conftest import InferenceApp


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("status",), "no run yet"),
        (("status", "--outcome", "failed"), "no run fits"),
        (("status", "--route", "each"), "no run fits"),
        (("promotions",), "no promotion yet"),
        (("dlq", "list"), "no dead letters"),
        (("events", "ignored"), "no ignored event"),
        (("audit", "list"), "the audit log has no such entry"),
        (("dlq", "replay", "--all"), "no dead letters"),
    ],
    ids=" ".join,
)
async def test_an_empty_list_says_so(app: InferenceApp, words: tuple[str, ...], sentence: str) -> None:
    result = await run(app, *words)

    assert (result.exit_code, len(result.output.splitlines())) == (0, 1), result.output
    assert result.output.startswith(sentence)


async def test_a_list_has_a_header_and_json_is_the_apps_own_answer(app: InferenceApp) -> None:
    name = await app.arrive("landing/each/north/a.csv")
    await app.finish(name)

    table, answer = await run(app, "status"), await run(app, "status", "--json")
    whole, run_answer = (await app.request("GET", "runs"))[1], (await app.request("GET", f"runs/{name}"))[1]
    one = await run(app, "status", name, "--json")

    header, row = (line.split("\t") for line in table.output.splitlines())
    assert header[:5] == ["run", "route", "outcome", "opened", "closed"]
    assert row[:3] == [name, "each", "completed"]
    assert answer.output == json.dumps(whole, indent=2) + "\n"
    assert one.output == json.dumps(run_answer, indent=2) + "\n"


async def test_json_of_an_empty_list_is_the_apps_own_answer_too(app: InferenceApp) -> None:
    result = await run(app, "status", "--json")

    assert json.loads(result.output) == (await app.request("GET", "runs"))[1]


@pytest.mark.parametrize(
    ("words", "guess"),
    [
        (("status", "--route", "eech"), "did you mean each?"),
        (("status", "--route", "eech", "--json"), "did you mean each?"),
        (("status", "--route", "xyz"), "there are: each, listed, partial, success, window"),
        (("promotions", "prom"), "is not known"),
        (("explain", "prom"), "is called 'prom'"),
        (("schedules", "show", "nightly"), "is not configured"),
        (("history", "churn"), ""),
        (("drift", "churn"), "no `drift` section"),
        (("retraining", "churn"), "no `retraining` section"),
        (("dlq", "show", "nowhere.json"), "list the letters first"),
        (("drop", __file__, "--route", "eech"), "did you mean each?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
async def test_an_unknown_name_is_an_error(app: InferenceApp, words: tuple[str, ...], guess: str) -> None:
    result = await run(app, *words)

    if words[0] == "history":  # No model is configured here: nothing says that there is none of this name.
        assert (result.exit_code, "no entry" in result.output) == (0, True)
        return
    assert (result.exit_code, guess in result.output) == (4, True), result.output


@pytest.mark.parametrize("command", ["status", "cancel", "reprocess"])
async def test_the_name_of_a_run_is_guessed_from_its_beginning_and_from_a_slip(app: InferenceApp, command: str) -> None:
    name = await app.arrive("landing/each/north/a.csv")
    await app.finish(name)
    reason = () if command == "status" else ("--reason", "r")

    short = await run(app, command, name[:9], *reason)
    slip = await run(app, command, name.replace("each", "eahc"), *reason)

    for result in (short, slip):
        assert (result.exit_code, f"did you mean {name}?" in result.output) == (4, True), result.output


def test_names_from_outside_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    emit_table(("path",), [("a\x1b[2Jb\tc\u202e",)])
    emit_facts({"because": "first\x1b]0;title\x07\nsecond"})

    assert capsys.readouterr().out.splitlines() == [
        "path",
        r"a\x1b[2Jb\tc\u202e",
        r"because  first\x1b]0;title\x07",
        "         second",
    ]
