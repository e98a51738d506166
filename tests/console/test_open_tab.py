"""How often an open tab asks: the page's own script runs an hour by a clock of the test, and its requests are counted.

The browser's part of it is played by `open_tab.mjs`; the script is the one that is served.
"""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from triggers.console import static_files

STATIC = Path(static_files.__file__).with_name("static")
MOST = 240  # Requests of an open tab in an hour.


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The served scripts, in a folder where Node takes them for modules, as a browser does."""
    folder = tmp_path_factory.mktemp("scripts")
    for name in ("live.js", "times.js"):
        shutil.copy(STATIC / name, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def hour(scripts: Path, **scene: Any) -> list[dict[str, Any]]:
    harness = Path(__file__).with_name("open_tab.mjs")
    command = ["node", str(harness), str(scripts), json.dumps(scene)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    return list(json.loads(output))


def pauses(asked: list[dict[str, Any]]) -> list[float]:
    return [(second["at"] - first["at"]) / 1000 for first, second in pairwise(asked)]


SCENES: dict[str, dict[str, Any]] = {
    "it changes all the time": {"answer": 200},
    "it moves, and nothing has changed yet": {"moves": True},
    "its reader moves all the time": {"touchedEvery": 1_000},
    "all of it": {"answer": 200, "moves": True, "touchedEvery": 1_000, "done": True},
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_an_open_tab_asks_at_most_240_times_an_hour_by_one_conditional_request(
    scripts: Path, scene: dict[str, Any]
) -> None:
    asked = hour(scripts, **scene)

    assert 180 < len(asked) <= MOST
    assert [request["conditional"] for request in asked] == [False] + [True] * (len(asked) - 1)
    assert min(pauses(asked)) >= 3


def test_a_page_at_rest_saves_its_requests(scripts: Path) -> None:
    quiet = hour(scripts)

    assert len(quiet) <= MOST // 2 - 10, "more than half of them are left for when something happens"
    assert (min(pauses(quiet)[30:]), max(pauses(quiet))) == (pytest.approx(30, abs=15.1), pytest.approx(60, abs=0.1))


@pytest.mark.parametrize("scene", [{"answer": 200}, {"moves": True}], ids=["changes", "moves"])
def test_who_only_watches_sees_each_change_within_3_seconds_for_eight_minutes(
    scripts: Path, scene: dict[str, Any]
) -> None:
    asked = hour(scripts, **scene)

    assert max(pauses([request for request in asked if request["at"] <= 480_000])) <= 3.1
    assert max(pauses(asked)) <= 45.1, "and then every 45 seconds, until the hour of those requests is over"


def test_what_moves_after_an_hour_of_rest_is_seen_within_3_seconds_for_minutes(scripts: Path) -> None:
    """By what the page itself keeps count of: the requests of its last hour."""
    asked = hour(scripts, movesAfter=3_000_000)
    lively = [pause for pause in pauses([each for each in asked if each["at"] > 3_000_000])[1:] if pause <= 3.1]

    assert len(lively) >= 60
    assert len(asked) <= MOST


def test_a_first_change_is_seen_within_3_seconds_by_who_has_just_come_or_is_evidently_there(scripts: Path) -> None:
    come, moving = hour(scripts), hour(scripts, touchedEvery=600_000)
    after = [min(request["at"] for request in moving if request["at"] > at) - at for at in (600_000, 1_200_000)]

    assert max(pauses([request for request in come if request["at"] <= 60_000])) <= 3.1
    assert max(after) <= 3_100, "a reader who moves again after a rest"
    assert max(pauses([request for request in moving if 600_000 <= request["at"] <= 615_000])) <= 3.1


def test_a_reader_who_moves_all_the_time_leaves_requests_for_what_follows_a_change(scripts: Path) -> None:
    lively = [pause for pause in pauses(hour(scripts, touchedEvery=1_000)) if pause <= 3.1]

    assert 115 <= len(lively) <= 125, "forty of the lively ones are kept"


def test_a_tab_that_comes_and_goes_all_the_time_asks_as_seldom(scripts: Path) -> None:
    asked = hour(scripts, flickersEvery=2_000, moves=True)

    assert 180 < len(asked) <= MOST


def test_after_an_own_order_a_page_is_lively_at_once_and_calms_down_in_a_minute(scripts: Path) -> None:
    asked = [request["at"] for request in hour(scripts, done=True)]

    assert len([at for at in asked if at <= 60_000]) >= 19
    assert len([at for at in asked if 60_000 < at <= 180_000]) <= 9
    assert len(asked) <= MOST


def test_a_page_that_asks_other_services_says_how_often_it_may_be_asked(scripts: Path) -> None:
    often, asked = hour(scripts, answer=200, seconds="1"), hour(scripts, answer=200, seconds="60")

    assert (len(often) <= MOST, 50 < len(asked) <= 60) == (True, True)


def test_a_hidden_tab_asks_nothing_and_asks_at_once_when_it_is_back(scripts: Path) -> None:
    asked = hour(scripts, hiddenAfter=60_000, backAfter=3_000_000)
    times = [request["at"] for request in asked]

    assert [at for at in times if 60_000 < at < 3_000_000] == []
    assert 3_000_000 in times
    assert len([at for at in times if at <= 60_000]) in (20, 21)


def test_a_server_that_is_slow_or_away_is_asked_less_often(scripts: Path) -> None:
    slow, away = hour(scripts, answer=200, takes=10_000), hour(scripts, answer=503)

    assert len(slow) <= 3600 / 50 + 1, "an answer of ten seconds takes a fifth of the time"
    assert (len(away) <= 40, max(pauses(away)) <= 121) == (True, True)
