"""Names as long as Azure takes them are scored; markers of folders are no files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import identity
from shared.domain.events import BlobArrived
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.runs import RunOutcome
from shared.routing import Ignore, route
from tests.inference.conftest import CONFIGURATION, InferenceApp
from tests.inference.test_groups import runs, scored

FOLDER = {"hdi_isfolder": "true"}


@pytest.mark.parametrize("name", ["n" * 250 + ".csv", "患" * 90 + ".csv", "数" * 960 + ".csv", "x" * 980 + ".csv"])
async def test_a_long_name_is_scored_and_the_manifest_has_both_names(app: InferenceApp, name: str) -> None:
    run = await app.arrive(f"landing/each/north/{name}")

    result = await app.finish(run)

    assert result.outcome is RunOutcome.COMPLETED
    (arrival,) = json.loads(app.hub.read("predictions", f"each/{run}/_manifest.json") or b"")["arrivals"]
    assert arrival["path"] == f"landing/each/north/{name}"
    assert len(arrival["scored_as"].encode()) <= 255
    assert arrival["scored_as"].startswith("00000-")
    assert arrival["scored_as"].endswith(".csv")
    pinned = app.hub.find("signalbox-staging", f"runs/{run}/input/{arrival['scored_as']}")
    assert pinned is not None
    assert sum(len(key) + len(value) for key, value in pinned.metadata.items()) < 8192


@given(
    st.integers(0, 99_999), st.text(st.characters(exclude_characters="/", exclude_categories=("Cs", "Cc")), min_size=1)
)
def test_a_pinned_name_fits_a_disk_and_is_always_the_same(number: int, name: str) -> None:
    long = (name * 300)[:1000]

    assert identity.pinned_name(number, long) == identity.pinned_name(number, long)
    assert len(identity.pinned_name(number, long).encode()) <= 200
    assert identity.pinned_name(number, long) != identity.pinned_name(number, long[:-1] + "~~")
    assert identity.pinned_name(1, "a.csv") == "00001-a.csv"


@pytest.mark.parametrize("kind", ["each", "window"])
async def test_a_folder_is_neither_scored_nor_quarantined_nor_deleted(app: InferenceApp, kind: str) -> None:
    marker = app.land(f"landing/{kind}/north/bad.csv", b"", **FOLDER)  # The check of the fake fails what is bad.

    await app.tell(marker)
    await app.pass_time(1000)  # The sweeps look too.

    assert scored(app) == []
    assert not app.jobs.created
    assert (marker.container, marker.path) in app.hub.blobs
    assert list(app.hub.list("quarantine", "")) == []
    assert all(app.record(run)["outcome"] == "superseded" for run in runs(app))


def ignored_reasons(app: InferenceApp) -> list[str]:
    days = [blob.path for blob in app.hub.list("signalbox", "ignored/")]
    return [line["reason"] for day in days for line in app.lines(day)]


@pytest.mark.parametrize("kind", ["each", "window"])
async def test_a_marker_named_like_a_file_opens_no_run(app: InferenceApp, kind: str) -> None:
    """Accounts with folders announce one as a blob without content; only its metadata tells."""
    marker = app.land(f"landing/{kind}/north/a.csv", b"", **FOLDER)

    await app.tell(marker)
    await app.host.settle()

    assert list(runs(app)) == []
    assert f"landing/{marker.path} is a folder's marker, and no file" in ignored_reasons(app)


async def test_an_empty_file_is_judged_as_a_file(app: InferenceApp) -> None:
    assert (await app.finish(await app.arrive("landing/each/north/bad.csv", b""))).outcome is not None


async def test_a_folder_among_the_members_of_a_marker_is_left_out(app: InferenceApp) -> None:
    app.land("landing/success/s1/a.csv")
    app.land("landing/success/s1/b.csv", b"", Hdi_isfolder="true")
    done = app.land("landing/success/s1/_SUCCESS", b"")
    await app.tell(done)

    assert (await app.finish(app.run_of(done))).outcome is RunOutcome.COMPLETED
    assert scored(app) == ["success/s1/a.csv"]


def test_a_name_that_ends_in_a_slash_is_told_at_the_door() -> None:
    arrival = Arrival(account="datahub", container="landing", path="each/north/x.csv/", etag="e")
    decisions = route(BlobArrived(event_id="1", arrival=arrival), CONFIGURATION)

    assert decisions == (Ignore(reason="landing/each/north/x.csv/ is a folder's marker, and no file"),)
