"""Records golden histories of publications that are missing (tests/replay/recording.py)."""

from tests.datasets.conftest import DatasetApp
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

pytestmark = only_when_asked


async def test_record_a_version_and_what_is_refused(app: DatasetApp, seen: dict[str, str]) -> None:  # noqa: F811
    """The one is registered in one workspace alone: the other has another asset of its name."""
    app.land()
    app.assets["preprod/churn-holdout:1"] = {"folder": "elsewhere", "tags": {}}
    published = await app.published()
    assert (len(published.registered), len(published.unregistered)) == (1, 1)
    app.land(b"id,x\n1,bad\n")
    refused = await app.published(name="judged")

    record("publish_dataset-published", "publish_dataset", seen[published.id])
    record("publish_dataset-bad_data", "publish_dataset", seen[refused.id])
