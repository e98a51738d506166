"""The section `datasets`, and hold-outs that name a published version."""

from pathlib import Path

import pytest

from shared.config import check, load
from shared.domain.datasets.rules import DatasetKind, DatasetPurpose
from shared.domain.datasets.sources import SourceRules

CONFIGURATION = """\
environments:
  dev: {{subscription: s, resource_group: g, workspace: w}}
hub: {{account: datahub}}
datasets:
  churn-holdout: {{purpose: test, environments: [dev], contract: c.yaml}}
  scans: {{purpose: labelled, kind: boxes, labels: [cat, dog]}}
{more}
models:
  churn:
    contract: c.yaml
    promotion: {{holdout: {{path: "{path}", target: y, key: id}}}}
routes:
  here:
    take: landing/here/{{name}}.csv
    score: {{environment: dev, endpoint: e, deployment: blue, model: "churn:1"}}
    publish: predictions/here/{{run}}
"""


def written(folder: Path, path: str = "churn-holdout@3", more: str = "") -> Path:
    (folder / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    file = folder / "signalbox.yaml"
    file.write_text(CONFIGURATION.format(path=path, more=more))
    return file


def test_a_hold_out_may_be_a_published_version(tmp_path: Path) -> None:
    configuration = load(written(tmp_path))

    table, boxes = configuration.datasets
    assert (table.kind, table.purpose, table.contract) == (DatasetKind.TABLE, DatasetPurpose.TEST, "c.yaml")
    assert [workspace.name for workspace in table.workspaces] == ["dev"]
    assert (boxes.kind, boxes.labels) == (DatasetKind.BOXES, ("cat", "dog"))
    assert configuration.ladder.models[0].holdout.path == "churn-holdout@3"
    assert check(tmp_path / "signalbox.yaml") == ()


@pytest.mark.parametrize(
    ("path", "more", "level", "said"),
    [
        (
            "evaluation/churn.csv",
            "",
            "warning",
            "a file that can be replaced; publish it with `signalbox data publish`",
        ),
        ("other@3", "", "error", "names the data set 'other'; name a table of the section `datasets`: churn-holdout"),
        ("scans@1", "", "error", "names the data set 'scans'"),
        ("churn.csv", "", "error", "or NAME@VERSION of a published data set"),
        ("churn-holdout@3", "  Bad_Name: {purpose: test}", "error", "datasets.Bad_Name: is not a name"),
        ("churn-holdout@3", "  x: {purpose: test, environments: [prod]}", "error", "names 'prod'; use dev"),
        ("churn-holdout@3", "  x: {purpose: test, labels: [cat]}", "error", "the data set is a table"),
        ("churn-holdout@3", "  x: {purpose: test, kind: boxes, contract: c.yaml}", "error", "boxes are no table"),
        ("churn-holdout@3", "  x: {purpose: fun}", "error", "use one of training, test, labelled"),
        ("churn-holdout@3", "  x: {}", "error", "datasets.x.purpose"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, path: str, more: str, level: str, said: str) -> None:
    findings = check(written(tmp_path, path, more))

    assert [finding.level for finding in findings if said in str(finding)] == [level], [*map(str, findings)]


def test_a_route_registers_no_versions_of_a_data_set(tmp_path: Path) -> None:
    """A reader of the newest version would get a file that arrived in place of what was published."""
    file = written(tmp_path)
    file.write_text(f"{file.read_text()}    register: {{asset: churn-holdout}}\n")

    [finding] = [str(finding) for finding in check(file) if "register" in str(finding)]

    assert "routes.here.register.asset: is 'churn-holdout', of which the section `datasets` publishes" in finding
    file.write_text(file.read_text().replace("asset: churn-holdout", "asset: scans"))
    assert load(file).routes[0].input_asset == "scans", "no workspace has it"


def test_sources_are_what_the_configuration_names(tmp_path: Path) -> None:
    assert load(written(tmp_path)).sources == SourceRules(), "from nowhere"
    file = written(tmp_path)
    section = 'sources: {hosts: ["*.example.org", "localhost:8443"], assets: [ward-*], largest: 10, within: 1m}'
    file.write_text(f"{file.read_text()}{section}\n")

    expected = SourceRules(hosts=("*.example.org", "localhost:8443"), assets=("ward-*",), largest=10, within_s=60)
    assert load(file).sources == expected


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{hosts: ['*']}", "sources.hosts"),
        ("{hosts: ['https://data.example.org']}", "use a host in lower case, such as data.example.org"),
        ("{hosts: [data.example.org/files]}", "sources.hosts"),
        ("{hosts: ['a*.example.org']}", "sources.hosts"),
        ("{assets: ['wards:3']}", "use a data asset's name, in which * stands for anything"),
        ("{largest: 0}", "sources.largest"),
        ("{within: 1h}", "sources.within: is 3600 s; use at most 1200 s"),
    ],
)
def test_sources_that_do_not_fit_are_said(tmp_path: Path, section: str, said: str) -> None:
    file = written(tmp_path)
    file.write_text(f"{file.read_text()}sources: {section}\n")

    assert [finding.level for finding in check(file) if said in str(finding)] == ["error"], [*map(str, check(file))]
