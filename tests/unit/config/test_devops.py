"""The section `devops`: read whole, and refused by field."""

from pathlib import Path

import pytest
import yaml

from shared.config import check, load
from shared.domain.devops.orders import OrderKind, read_order
from shared.domain.failures import Refused

PROJECT = Path(__file__).parents[3]
MERGE = {
    "project": "mlops",
    "repository": "models",
    "branch": "refs/heads/main",
    "start": {"start": "promotion", "model": "diabetes-progression", "to": "preprod"},
}


def written(tmp_path: Path, change):
    document = yaml.safe_load((PROJECT / "signalbox.yaml").read_text())
    change(document["devops"])
    for path in PROJECT.glob("examples/diabetes/*.*"):
        (tmp_path / "examples" / "diabetes").mkdir(parents=True, exist_ok=True)
        (tmp_path / "examples" / "diabetes" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "signalbox.yaml").write_text(yaml.safe_dump(document))
    return tmp_path / "signalbox.yaml"


def central(section):
    return section["approvals"]["central"]


def test_the_example_is_read():
    devops = load(PROJECT / "signalbox.yaml").devops

    assert devops.organisations == ("contoso",)
    assert devops.asks("central").organisation == "contoso"  # type: ignore[union-attr]
    assert devops.asks("preprod") is None


def test_the_pipelines_stage_may_be_named(tmp_path):
    devops = load(written(tmp_path, lambda section: central(section).update(pipeline_stage="Release"))).devops

    assert devops.asks("central").pipeline_stage == "Release"  # type: ignore[union-attr]


def test_promotions_of_nobody_are_let_in_only_where_it_says_so(tmp_path):
    assert not load(PROJECT / "signalbox.yaml").devops.unknown_requesters
    assert load(written(tmp_path, lambda section: section.update(unknown_requesters=True))).devops.unknown_requesters


def test_a_merge_starts_an_order(tmp_path):
    devops = load(written(tmp_path, lambda section: section.update(merges={"main": MERGE}))).devops

    (merge,) = devops.merges
    assert (merge.order.kind, merge.order.model, merge.order.to) == (
        OrderKind.PROMOTION,
        "diabetes-progression",
        "preprod",
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda section: section.update(organisations=["contoso/../evil"]), "devops.organisations"),
        (
            lambda section: section["approvals"].update(preprod={"project": "p", "approvers": {}}),
            "devops.approvals.preprod",
        ),
        (
            lambda section: section["approvals"]["central"].update(organisation="other"),
            "devops.approvals.central.organisation",
        ),
        (
            lambda section: section["approvals"]["central"]["approvers"].update(nobody="x"),
            "devops.approvals.central.approvers.nobody",
        ),
        (lambda section: section.update(merges={"m": MERGE | {"branch": "main"}}), "devops.merges.m.branch"),
        (lambda section: section.update(merges={"m": MERGE | {"start": {"start": "x"}}}), "devops.merges.m.start"),
        (
            lambda section: section.update(merges={"m": MERGE | {"start": {"start": "pipeline", "pipeline": "x"}}}),
            "devops.merges.m.start",
        ),
    ],
)
def test_what_does_not_fit_is_found(tmp_path, change, field):
    findings = check(written(tmp_path, change))

    assert field in {finding.field for finding in findings if finding.level == "error"}


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"start": "follow"},
        {"follow": ""},
        {"start": "promotion", "model": "m:1"},
        {"start": "retraining", "model": 1},
    ],
)
def test_an_order_that_does_not_fit_is_refused(raw):
    with pytest.raises(Refused):
        read_order(raw)
