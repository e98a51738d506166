"""The runbook of docs/operations.md, command by command, on a local cloud where all of it really goes wrong.

What a command prints is compared in substance: each line that the runbook shows is there, in its order; `…` stands for
anything. The full disk takes minutes, and so comes with `make tour` (SIGNALBOX_TOUR=1).
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import split
from typing import Any

import pytest
from click.testing import CliRunner

from signalbox.cli.main import main
from signalbox.launcher.cloud import LocalCloud
from tests.emulators.conftest import PROJECT
from tests.onemachine.conftest import CALM
from tests.onemachine.tour import Night, configure, deploy

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("tour")]

RUNBOOK = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8").partition("\n## Runbook\n")[2]
RUNS = {
    "The scoring script raises": ("raising", "failed"),
    "Predictions are held": ("held", "held"),
    "Data is quarantined": ("strict", "quarantined"),
    "The endpoint of a route is not there": ("nowhere", "failed"),
    "A container is missing": ("unborn", "failed"),
    "A data contract is broken": ("broken", "failed"),
}
OTHERS = {"Approvals expire", "An event cannot be read", "Storage is full"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    line: str
    printed: tuple[str, ...]


def entries() -> dict[str, list[list[Command]]]:
    """By heading: the commands of each block with what they print."""
    found = {}
    for section in re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        found[title] = [commands(block) for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)]
    return found


def commands(block: str) -> list[Command]:
    found = []
    for part in block.split("$ signalbox ")[1:]:
        line, *printed = part.splitlines()
        found.append(Command(line=line, printed=tuple(printed)))
    return found


ENTRIES = entries()


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return configure(tmp_path_factory.mktemp("configuration")).with_name("broken.yaml")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, contract: Path) -> Iterator[Night]:
    settings = CALM | {"SIGNALBOX_CONFIG": str(contract.with_name("signalbox.yaml"))}
    with LocalCloud(PROJECT, tmp_path_factory.mktemp("night"), time_scale=0.05, settings=settings) as cloud:
        deploy(cloud, tmp_path_factory.mktemp("deployed"))
        contract.write_text("format: csv\ncolumns: nothing\n")
        made = Night(cloud)
        for route in ("raising", "nowhere", "unborn", "broken"):
            made.land(f"landing/{route}/a.csv")
        made.land("landing/held/a.csv", "id,age\na,999\nb,3\n")
        made.land("landing/strict/a.csv", "id,age\na,-1\nb,3\n")
        yield made


@pytest.fixture(autouse=True)
def signed_in(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_URL", night.cloud.endpoints.app)
    monkeypatch.setenv("SIGNALBOX_KEY", night.cloud.endpoints.function_key)


def prove(block: list[Command], **names: str) -> None:
    """Run every command of *block*, and look for what it is to print."""
    for command in block:
        ended = CliRunner().invoke(main, split(named(command.line, names)))
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        lines = iter([" ".join(line.split()) for line in ended.output.splitlines()])
        for wanted in command.printed:
            pattern = ".*".join(map(re.escape, " ".join(named(wanted, names).split()).split("…")))
            assert any(re.fullmatch(pattern, line) for line in lines), f"{command.line}: {wanted}\n{ended.output}"


def named(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = re.sub(rf"\b{name}\b", value, text)
    return text


def test_every_entry_of_the_runbook_is_proven() -> None:
    assert set(ENTRIES) == {*RUNS, *OTHERS}
    assert all(ENTRIES.values())


@pytest.mark.parametrize("title", RUNS)
def test_a_run_that_went_wrong_says_so_as_the_runbook_shows(night: Night, title: str) -> None:
    for block in ENTRIES[title]:
        prove(block, RUN=night.run_of(*RUNS[title]))


def waiting_promotions(night: Night) -> list[dict[str, Any]]:
    """They are listed before their people are asked."""
    return list(night.app.get("promotions", fate="waiting")["promotions"])


def test_a_promotion_waits_and_then_its_approvals_expire(night: Night) -> None:
    waiting, expired = ENTRIES["Approvals expire"]
    promotion = night.promote()

    def asked() -> list[dict[str, Any]]:
        record = night.app.get(f"promotions/{promotion}")
        assert not record.get("fate"), record["because"]
        return [wait for row in waiting_promotions(night) for wait in row["waits"] if wait["since"]]

    night.ml.eventually(asked, 180)  # A service that was away a moment ago is asked again after up to a minute.
    prove(waiting, PROMOTION=promotion)
    night.ml.eventually(lambda: night.app.get(f"promotions/{promotion}").get("fate"))
    prove(expired, PROMOTION=promotion)


def test_an_event_that_cannot_be_read_is_a_letter(night: Night) -> None:
    night.app.post("events", {"id": "7", "data": {}})
    (letter,) = night.app.get("dead-letters")["letters"]

    prove(ENTRIES["An event cannot be read"][0], LETTER=letter["path"])


@pytest.mark.skipif(not os.environ.get("SIGNALBOX_TOUR"), reason="takes three minutes: set SIGNALBOX_TOUR=1")
def test_a_full_disk_is_named_and_nothing_is_lost(night: Night) -> None:
    run = night.run_of("raising", "failed")
    with night.full_disk():
        prove(ENTRIES["Storage is full"][0], RUN=run)
    night.land("landing/full/a.csv")

    assert night.run_of("full", "completed")
