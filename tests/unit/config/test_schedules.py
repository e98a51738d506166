"""The section `schedules`: read whole, refused whole."""

from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.config import ConfigurationError, load
from shared.config.schema import schema
from shared.domain.schedules.due_times import CatchUp, Schedule, Target

BODY = """\
environments:
  dev: {subscription: s, resource_group: g, workspace: w}
hub: {account: datahub}
models:
  risk:
    contract: contract.yaml
    promotion: {holdout: {path: evaluation/risk.csv, target: y, key: id}}
    retraining: {pipeline: {endpoint: train, deployment: blue, environment: dev}, gate: {metric: mae}}
routes:
  waiting:
    take: landing/waiting/{site}/{name}.csv
    group: schedule
    score: {environment: dev, endpoint: e, deployment: blue, model: "risk:1"}
    publish: predictions/waiting/{site}/{run}
  folder:
    take: landing/folder/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "risk:1"}
    publish: predictions/folder/{run}
schedules:
  nightly: {cron: 30 2 * * *, score: waiting}
"""


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "contract.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")

    def write(*lines: str, body: str = BODY) -> Path:
        path = tmp_path / "signalbox.yaml"
        path.write_text(body + "".join(f"  {line}\n" for line in lines))
        return path

    return write


def test_schedules_are_read(write):
    path = write(
        "weekly: {cron: 0 6 * * MON, timezone: Europe/Paris, catch_up: latest, jitter: 10m, retrain: risk}",
        "again: {cron: 0 0 1 * *, score: folder, input: landing/reference/**}",
    )

    nightly, weekly, again = load(path).schedules

    assert nightly == Schedule(name="nightly", cron="30 2 * * *", target=Target.SCORE, of="waiting")
    assert (weekly.timezone, weekly.catch_up, weekly.jitter_s) == ("Europe/Paris", CatchUp.LATEST, 600)
    assert (weekly.target, weekly.of) == (Target.RETRAIN, "risk")
    assert again.input == "landing/reference/**"
    jsonschema_rs.validate(schema(), yaml.safe_load(path.read_text()))


def test_every_error_is_told_at_once(write):
    path = write(
        "a: {cron: 61 * * * *, retrain: risk}",
        "b: {cron: 0 0 30 2 *, retrain: risk}",
        "c: {cron: 0 0 * * *, timezone: Europe/Pari, retrain: risk}",
        "d: {cron: 0 0 * * *, retrain: risk, score: waiting}",
        "e: {cron: 0 0 * * *}",
        "f: {cron: 0 0 * * *, retrain: rsk}",
        "g: {cron: 0 0 * * *, score: folder}",
        "h: {cron: 0 0 * * *, score: waiting, input: landing/a/**}",
        "i: {cron: 0 0 * * *, score: folder, input: signalbox/**}",
        "j: {cron: 0 0 * * *, score: folder, input: landing/a.csv}",
        "k: {cron: 0 0 * * *, retrain: risk, input: landing/a/**}",
        "l: {cron: 0 0 * * *, retrain: risk, jitter: 2d, catch_up: some}",
        "M: {cron: 0 0 * * *, retrain: risk, timezone: Europe}",
    )

    with pytest.raises(ConfigurationError) as refused:
        load(path)

    said = [f"{finding.field}: {finding.problem}; {finding.remedy}" for finding in refused.value.findings]
    for expected in (
        "schedules.a.cron: is '61 * * * *' (bad minute); write minute, hour",
        "schedules.b.cron: is '0 0 30 2 *' (bad day-of-month)",
        "schedules.c.timezone: is 'Europe/Pari', which is no time zone; did you mean 'Europe/Paris'?",
        "schedules.d: has retrain and score; give exactly one of retrain, score",
        "schedules.e: has none of them",
        "schedules.f.retrain: is 'rsk', which has no `retraining` under `models`; did you mean 'risk'?",
        "schedules.g.score: is 'folder', which scores its files as they come; give `input`",
        "schedules.h.input: cannot fill {site} of waiting's publish",
        "schedules.i.input: is 'signalbox/**' in Signalbox's own container",
        "schedules.j.input: is 'landing/a.csv', which names one file",
        "schedules.k.input: is there without score",
        "schedules.l.jitter: is 172800 s; use at most 1d",
        "schedules.l.catch_up: is 'some'; use one of none, latest, all",
        "schedules.M: is not a schedule's name",
        "schedules.M.timezone: is 'Europe', which is no time zone",
    ):
        assert any(each.startswith(expected) for each in said), (expected, said)
    assert len(said) == 15


def test_a_route_that_waits_for_no_schedule_is_refused(write):
    body = BODY.replace("score: waiting}", "retrain: risk}")

    with pytest.raises(ConfigurationError, match=r"routes\.waiting\.group: is schedule, and no schedule scores it"):
        load(write(body=body))
