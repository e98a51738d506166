"""The configuration as people see it: all of it without secrets, and what changed since when."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.configuration_changes import ConfigurationChange, changes_between
from shared.records.operations import configurations_seen, note_configuration
from tests.console.conftest import ConsoleApp
from triggers.console.rendering import seconds_in_words


async def test_all_of_it_is_there_and_no_secret(shipped_app: ConsoleApp) -> None:
    configuration = shipped_app.clients.configuration
    rules = replace(configuration.retraining[0], parameters={"url": "https://x.example/?sig=abcdef123456&a=<b>"})
    vars(shipped_app.clients)["configuration"] = replace(configuration, retraining=(rules,))
    page = await (await shipped_app.signed_in("grace")).get("configuration")

    assert page.status == 200
    for word in ("landing/diabetes/each/{site}/{name}.csv", "rg-mlops-dev", "monthly-training", "better_than_champion"):
        assert word in page.text
    assert "abcdef123456" not in page.text
    assert "sig=REDACTED&amp;a=&lt;b&gt;" in page.text


async def test_a_sweep_keeps_what_the_app_works_by_and_the_page_says_what_changed(shipped_app: ConsoleApp) -> None:
    ada = await shipped_app.signed_in("ada")
    assert "No configuration is on record yet." in (await ada.get("configuration/history")).text
    await shipped_app.sweep()
    await shipped_app.sweep()
    configuration, store = shipped_app.clients.configuration, shipped_app.clients.store
    assert len(configurations_seen(store)) == 1
    first = replace(configuration.routes[0], give_up_after_s=3601)
    changed = replace(configuration, routes=(*configuration.routes[1:], first), schedules=())
    note_configuration(store, changed, (shipped_app.clients.clock.now() + timedelta(hours=1)).isoformat())
    key = configurations_seen(store)[0].digest.removeprefix("sha256:")

    ada = await shipped_app.signed_in("ada")
    assert f'href="/console/configuration/history/{key}"' in (await ada.get("configuration/history")).text
    page = (await ada.get(f"configuration/history/{key}")).text

    assert "routes[diabetes-each].give_up_after_s" in page
    assert "<ins>3601" in page
    assert "schedules[monthly-training].cron" in page
    assert "routes[diabetes-window]" not in page, "it was only moved in the file"
    assert (await ada.get("configuration/history/none")).status == 404
    assert (await ada.get("configuration/history/6")).status == 404, "the end of a digest is none"


async def test_a_configuration_that_comes_back_is_seen_again(shipped_app: ConsoleApp) -> None:
    configuration, store = shipped_app.clients.configuration, shipped_app.clients.store
    for at, one in (("1", configuration), ("2", replace(configuration, schedules=())), ("3", configuration)):
        note_configuration(store, one, at)

    assert [entry.at for entry in configurations_seen(store)] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [ConfigurationChange(field="a.b", before=1, after=2)]),
        ({"a": [1, 2]}, {"a": [2, 1]}, [ConfigurationChange(field="a", before=[1, 2], after=[2, 1])]),
        ({"r": [{"name": "x", "n": 1}, {"name": "y"}]}, {"r": [{"name": "y"}, {"name": "x", "n": 1}]}, []),
        ({"r": [{"role": {"name": "x"}, "n": 1}]}, {"r": []},
         [ConfigurationChange(field="r[x].n", before=1), ConfigurationChange(field="r[x].role.name", before="x")]),
        ({"a": ""}, {"a": None}, []),
        ({"a": False}, {}, [ConfigurationChange(field="a", before=False)]),
    ],
)  # fmt: skip
def test_changes_are_found_by_name(before: object, after: object, fields: list[ConfigurationChange]) -> None:
    assert list(changes_between(before, after)) == fields


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (61, "61 s"), (120, "2 min"), (7200, "2 h"), (604800, "7 d")]
)
def test_a_configured_time_is_said_in_its_largest_whole_unit(seconds: float, words: str) -> None:
    assert seconds_in_words(seconds) == words
