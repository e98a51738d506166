"""`drop` lands a file where a route takes it, and guesses no place."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shared.domain.paths.patterns import match
from signalbox.cli.errors import Unusable
from signalbox.cli.landing import find_landing, landing_of
from signalbox.cli.main import main
from tests.cli.conftest import run
from tests.inference.conftest import InferenceApp


class Configured:
    """An app that knows these routes."""

    def __init__(self, *takes: str) -> None:
        self._routes = [route(take, f"r{number}") for number, take in enumerate(takes)]

    def get(self, path: str) -> Any:
        assert path == "configuration"
        return {"routes": self._routes, "accounts": {"ward-lab": "stwardlab"}}


def route(take: str, name: str = "r", kind: str = "each") -> dict[str, Any]:
    group = {"kind": kind, "marker": {"name": "_SUCCESS"}, "window": {"quiet_s": 2}}
    return {"name": name, "take": take, "group": group}


@pytest.mark.parametrize(
    "take",
    [
        "landing/each/{site}/{name}.csv",
        "landing/**/{name}.csv",
        "landing/{year}-{month}/*/{name}.csv",
        "landing/?/x*/**",
        "landing/{site}/local*.csv",
        "landing/{site}/{site}{rest}",
    ],
)
def test_the_route_takes_what_lands_for_it(take: str) -> None:
    landing = landing_of(route(take), "local-wards.csv", {})

    assert match(take, landing.place) is not None, landing.place


def test_captures_are_filled_as_asked() -> None:
    assert landing_of(route("landing/{site}/{name}.csv"), "a.csv", {"site": "oslo"}).place == "landing/oslo/a.csv"


def test_a_container_of_a_teams_hub_says_its_account() -> None:
    landing = find_landing(Configured("ward-lab/x/{name}.csv"), "", "a.csv", {})  # type: ignore[arg-type]
    assert (landing.place, landing.account) == ("ward-lab/x/a.csv", "stwardlab")
    assert find_landing(Configured("landing/{name}.csv"), "", "a.csv", {}).account == ""  # type: ignore[arg-type]


def test_the_only_landing_place_needs_no_route() -> None:
    assert find_landing(Configured("landing/x/{name}.csv"), "", "a.csv", {}).place == "landing/x/a.csv"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("take", "file", "captures", "sentence"),
    [
        ("landing/{site}/{name}.csv", "a.txt", {}, "rename the file"),
        ("landing/{site}/{name}.csv", "a.csv", {"ward": "1"}, "capture site"),
    ],
)
def test_a_file_that_no_route_would_take_is_refused(
    take: str, file: str, captures: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Unusable, match=sentence):
        landing_of(route(take), file, captures)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("each", "status --watch"), ("marker", "_SUCCESS"), ("window", "2 s"), ("schedule", "is due")],
)
def test_what_happens_next_is_said(kind: str, sentence: str) -> None:
    assert sentence in landing_of(route("landing/{name}.csv", kind=kind), "a.csv", {}).next


async def test_among_several_landing_places_one_must_be_named(app: InferenceApp, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x\n1,2\n")

    result = await run(app, "drop", str(tmp_path / "a.csv"))
    both = await run(app, "drop", str(tmp_path / "a.csv"), "--route", "each", "--to", "landing/x/")

    assert (result.exit_code, "--route ROUTE" in result.output) == (2, True), result.output
    assert both.exit_code == 2


def test_several_files_keep_their_names_and_never_share_one(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("holdout.csv", "answers.csv")]
    for file in files:
        Path(file).write_text("id\n1\n")

    refusal = CliRunner().invoke(main, ["drop", *files, "--to", "evaluation/wine"])

    assert refusal.exit_code == 2
    assert "one name for 2 files; end it in / to keep their names" in refusal.output
