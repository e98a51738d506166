"""A hold-out that is a published version: read by reference, bound by its digest, believed only as it was logged."""

import json
from dataclasses import replace

import pytest

from activities.promotion.evidence import data_test
from activities.promotion.holdout.rows import read_rows
from shared import contracts as c
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Holdout
from tests.datasets.conftest import ROWS, DatasetApp

PLACE = "churn-holdout@1"
HOLDOUT = Holdout(path=PLACE, target="y", key="id", tolerance=10.0)


def hold_out(app: DatasetApp) -> None:
    """Configure the published version as the hold-out of every model."""
    configuration = app.clients.configuration
    models = tuple(replace(model, holdout=HOLDOUT) for model in configuration.ladder.models)
    ladder = replace(configuration.ladder, models=models)
    vars(app.clients)["configuration"] = replace(configuration, ladder=ladder)


async def test_a_promotion_measures_on_the_version_and_says_which(app: DatasetApp) -> None:
    app.land()
    await app.published()
    app.hub.delete("evaluation", "churn.csv")
    hold_out(app)
    app.register("1", error=2.0)

    promotion = await app.promote("churn:1", to="preprod")
    assert (await app.finish(promotion)).fate is c.Fate.PROMOTED

    written = [
        json.loads(app.hub.read("signalbox", blob.path) or b"{}")
        for blob in app.hub.list("signalbox", f"promotions/{promotion}/preprod/exit/")
        if blob.path.endswith(".json")
    ]
    texts = json.dumps(written)
    _, shown = await app.ask("GET", "datasets/churn-holdout/versions/1")
    assert f"{PLACE} {shown['manifest']}" in texts


async def test_rows_that_are_not_what_was_published_measure_nothing(app: DatasetApp) -> None:
    app.land()
    await app.published()
    rows = read_rows(app.clients, HOLDOUT)
    assert (len(rows.truth), rows.versions[0].partition(" ")[0]) == (200, PLACE)

    manifest = app.manifest("churn-holdout", "1")
    file = f"{manifest['folder']}/rows.csv"
    app.hub.land(f"signalbox-staging/{file}", ROWS + b"200,0,0\n")
    with pytest.raises(Refused, match="is not what was published"):
        read_rows(app.clients, HOLDOUT)

    app.hub.land("signalbox/datasets/churn-holdout/1.json", json.dumps({**manifest, "rows": 201}).encode())
    with pytest.raises(Refused, match="is not what the audit log says was published"):
        read_rows(app.clients, HOLDOUT)


async def test_no_data_test_passes_on_rows_that_are_not_what_was_published(app: DatasetApp) -> None:
    """Their number and their form are as before: only the digest tells."""
    app.land()
    await app.published()
    hold_out(app)
    (model, *_) = app.clients.configuration.ladder.models
    assert data_test(app.clients, model).rows == 200
    app.register("1", error=2.0)

    manifest = app.manifest("churn-holdout", "1")
    app.hub.land(f"signalbox-staging/{manifest['folder']}/rows.csv", ROWS.replace(b"199,199,199", b"199,199,1"))
    promotion = await app.finish(await app.promote("churn:1", to="preprod"))

    assert promotion.fate is not c.Fate.PROMOTED
    assert "churn-holdout@1 is not what was published" in promotion.because[0], promotion


async def test_a_version_that_is_not_there_or_has_another_file_is_named(app: DatasetApp) -> None:
    app.land()
    app.land(ROWS.replace(b"199,199,199\n", b""), name="more.csv")
    await app.published()

    for place, reason in (
        ("churn-holdout@2", "is not what the audit log says was published"),
        (PLACE, "has 2 files; name one"),
        (f"{PLACE}/none.csv", "has no file none.csv"),
    ):
        with pytest.raises(Refused, match=reason):
            read_rows(app.clients, replace(HOLDOUT, path=place))
    assert len(read_rows(app.clients, replace(HOLDOUT, path=f"{PLACE}/more.csv")).truth) == 199
