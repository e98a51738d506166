"""Orchestrations of one version under an app of another, as Durable Functions matches them."""

import json
import shutil
from pathlib import Path

import pytest

from signalbox.host.durable.versions import FailureStrategy, MatchStrategy, Versioning
from signalbox.host.testing import LocalHost

APP = Path(__file__).parent / "apps" / "versions"


def release(folder: Path, version: str | None, **settings: str) -> LocalHost:
    """The app as released with *version*, on the state of the releases before."""
    app = folder / f"app-{version}-{len(list(folder.iterdir()))}"
    shutil.copytree(APP, app)
    durable = settings if version is None else {"defaultVersion": version, **settings}
    (app / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"durableTask": durable}}))
    return LocalHost(app, folder / "state")


async def test_an_instance_of_the_first_release_finishes_under_the_second(tmp_path: Path) -> None:
    async with release(tmp_path, "1.0") as first:
        await first.start("order", "old")
        await first.settle()
    async with release(tmp_path, "2.0") as second:
        await second.start("order", "new")
        for instance in ("old", "new"):
            await second.raise_event(instance, "Approval")
        assert (await second.wait("old")).output == ["1.0", "validate", "ship"]
        assert (await second.wait("new")).output == ["2.0", "validate", "discount", "ship"]


async def test_an_instance_of_a_newer_release_waits_for_it_and_loses_nothing(tmp_path: Path) -> None:
    async with release(tmp_path, "2.0") as second:
        await second.start("order", "i")
        await second.settle()
    async with release(tmp_path, "1.0") as rolled_back:
        await rolled_back.raise_event("i", "Approval")
        await rolled_back.settle()
        assert rolled_back.get("i").status == "Running"
    async with release(tmp_path, "2.0") as repaired:
        assert (await repaired.wait("i")).output == ["2.0", "validate", "discount", "ship"]


async def test_a_newer_instance_fails_where_the_app_says_so(tmp_path: Path) -> None:
    async with release(tmp_path, "2.0") as second:
        await second.start("order", "i")
        await second.settle()
    async with release(tmp_path, "1.0", versionFailureStrategy="Fail") as first:
        await first.raise_event("i", "Approval")
        outcome = await first.wait("i")
        assert (outcome.status, outcome.output) == (
            "Failed",
            "VersionMismatch: Orchestration version did not comply with Worker Versioning",
        )


async def test_a_child_has_the_version_of_its_app_and_not_of_its_parent(tmp_path: Path) -> None:
    async with release(tmp_path, "1.0") as first:
        await first.start("parent", "i")
        await first.settle()
    async with release(tmp_path, "2.0") as second:
        await second.raise_event("i", "Go")
        assert (await second.wait("i")).output == ["1.0", "2.0", "1.0"]


async def test_an_instance_keeps_its_version_when_it_continues_as_new(tmp_path: Path) -> None:
    async with release(tmp_path, "1.0") as first:
        await first.start("again", "i", 1)
        await first.settle()
    async with release(tmp_path, "2.0") as second:
        await second.raise_event("i", "Go")
        assert (await second.wait("i")).output == "1.0"


async def test_an_instance_without_a_version_is_older_than_any(tmp_path: Path) -> None:
    async with release(tmp_path, None) as unversioned:
        await unversioned.start("again", "i", 1)
        await unversioned.settle()
    async with release(tmp_path, "1.0") as first:
        await first.raise_event("i", "Go")
        assert (await first.wait("i")).output is None


async def test_a_caller_may_ask_for_an_older_version(tmp_path: Path) -> None:
    async with release(tmp_path, "2.0") as second:
        await second.host.client.start("child", "i", None, "1.0")
        assert (await second.wait("i")).output == "1.0"


@pytest.mark.parametrize(
    ("version", "current", "older"),
    [
        ("1.0", "1.0", True),
        ("1.9", "1.10", True),
        ("1.10", "1.9", False),
        ("1.0", "1.0.0", True),
        ("1.0.0", "1.0", False),
        ("2", "10", False),  # One number is no System.Version: text is compared.
        ("9", "10", False),
        ("v1-A", "V1-a", True),
        ("", "1.0", True),
        (None, None, True),
        ("1.0", None, False),
    ],
)
def test_versions_are_compared_as_dotnet_compares_them(version: str | None, current: str | None, older: bool) -> None:
    assert Versioning(default=current).may_run(version) is older


def test_strict_wants_the_same_text_and_none_wants_nothing() -> None:
    strict = Versioning(default="2.0", match=MatchStrategy.STRICT, failure=FailureStrategy.REJECT)
    assert [strict.may_run(version) for version in ("2.0", "2.0.0", "1.0", None)] == [True, False, False, False]
    assert Versioning(default="1.0", match=MatchStrategy.NONE).may_run("2.0")
