"""What production installs is what was tested: every version once, with hashes, from wherever the installer looks."""

import hashlib
import re
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = Path(__file__).parents[2]
LOCK = (PROJECT / "requirements.txt").read_text()
PINS = [Requirement(line.rstrip(" \\")) for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]


def requirements(file: str) -> list[Requirement]:
    lines = (PROJECT / file).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def canonical(requirement: Requirement) -> str:
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


def applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def test_the_lock_is_made_of_the_source_as_it_is() -> None:
    """Offline: a change of either file asks for `make lock`."""
    sources = (PROJECT / "requirements.in").read_bytes() + (PROJECT / "constraints.txt").read_bytes()
    assert f"# Of sha256:{hashlib.sha256(sources).hexdigest()}\n" in LOCK, "run make lock"


def test_every_version_is_exact_and_has_hashes() -> None:
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", LOCK)[1:]
    assert len(blocks) == len(PINS) > 50
    for block, pin in zip(blocks, PINS, strict=True):
        assert re.fullmatch(r"==[^,*]+", str(pin.specifier)), pin
        assert "--hash=sha256:" in block, pin


def test_the_lock_names_no_index_and_no_address() -> None:
    assert "://" not in LOCK
    assert not re.search(r"(?m)^--?(i|index-url|extra-index-url|find-links|trusted-host)\b", LOCK)


def test_the_lock_has_what_the_source_asks_for_in_the_versions_of_the_constraints() -> None:
    pins = {canonical(pin): pin for pin in PINS if applies(pin)}
    for wanted in requirements("requirements.in"):
        pinned = str(pins[canonical(wanted)].specifier).removeprefix("==")
        assert wanted.specifier.contains(pinned), (wanted, pinned)
    held = {canonical(each): each.specifier for each in requirements("constraints.txt") if applies(each)}
    assert {name: held[name] for name in pins} == {name: pin.specifier for name, pin in pins.items()}


def test_what_runs_here_is_what_is_locked() -> None:
    different = {}
    for pin in filter(applies, PINS):
        if not pin.specifier.contains(installed := version(pin.name)):
            different[pin.name] = installed
    assert not different


@pytest.mark.parametrize("extra", ["service-bus", "dev"])
def test_everything_has_an_upper_bound(extra: str) -> None:
    listed = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"][extra]
    open_ended = [
        str(each)
        for each in [
            *map(Requirement, listed),
            *requirements("requirements.in"),
            *requirements("requirements-local.in"),
        ]
        if each.name != "signalbox" and not any(bound.operator in ("<", "<=", "==") for bound in each.specifier)
    ]
    assert not open_ended


def test_pip_starts_with_the_release_of_opentelemetry_that_azure_monitor_allows() -> None:
    """Where a newer one is there, pip has to go back, and the pip of Python 3.11 crashes."""
    tested = Version(version("opentelemetry-sdk"))
    next_release = f"{tested.major}.{tested.minor + 1}.0"
    theirs = [Requirement(line) for line in requires("azure-monitor-opentelemetry") or ()]
    (allowed,) = (requirement.specifier for requirement in theirs if requirement.name == "opentelemetry-sdk")
    ours = [requirement for requirement in requirements("requirements-local.in") if "opentelemetry" in requirement.name]

    assert (allowed.contains(tested), allowed.contains(next_release)) == (True, False)
    for requirement in ours:
        bounds = (requirement.specifier.contains(tested), requirement.specifier.contains(next_release))
        assert bounds == (True, False), f"{requirement} does not end where azure-monitor-opentelemetry does: {allowed}"
