"""The section `streams`: read whole, refused whole."""

from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.config import ConfigurationError, load
from shared.config.schema import schema
from shared.domain.inference.streams import AnswerMode, Stream

BODY = """\
environments:
  dev: {subscription: s, resource_group: g, workspace: w}
hub: {account: datahub}
models:
  risk: {contract: contract.yaml}
  wide: {contract: wide.yaml}
  bare: {contract: bare.yaml}
routes:
  each:
    take: landing/each/{site}/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "risk:1"}
    publish: predictions/each/{run}
  window:
    take: landing/window/{name}.csv
    group: {window: {quiet: 1m}}
    score: {environment: dev, endpoint: e, deployment: blue, model: "risk:1"}
    publish: predictions/window/{run}
  wide:
    take: landing/wide/{name}.parquet
    score: {environment: dev, endpoint: e, deployment: blue, model: "wide:1"}
    publish: predictions/wide/{run}
  bare:
    take: landing/bare/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "bare:1"}
    publish: predictions/bare/{run}
streams:
"""


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "contract.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    (tmp_path / "wide.yaml").write_text("format: parquet\ncolumns: [{name: id, type: integer}]\n")

    (tmp_path / "bare.yaml").write_text(
        "format: csv\ncsv: {header: false}\ncolumns: [{name: id, type: integer, field: 1}]\n"
    )

    def write(*lines: str) -> Path:
        path = tmp_path / "signalbox.yaml"
        path.write_text(BODY + "".join(f"  {line}\n" for line in lines))
        return path

    return write


def test_streams_are_read(write):
    path = write(
        "visits: {route: each, land: 'landing/each/{key}/{batch}.csv'}",
        "all: {route: each, land: 'landing/each/x/{stream}-{batch}.csv', answer: batch,"
        " close: {records: 9, bytes: 2000, age: 2m}}",
    )

    visits, every = load(path).streams

    assert visits == Stream(name="visits", route="each", land="landing/each/{key}/{batch}.csv")
    assert (visits.by_key, every.by_key) == (True, False)
    assert (every.records, every.size, every.age_s, every.answer) == (9, 2000, 120, AnswerMode.BATCH)
    assert every.place("all", "7-a") == "landing/each/x/all-7-a.csv"
    jsonschema_rs.validate(schema(), yaml.safe_load(path.read_text()))


def test_everything_wrong_is_said_at_once(write):
    path = write(
        "Bad: {route: each, land: 'landing/each/x/{batch}.csv'}",
        "a: {route: eech, land: 'landing/each/x/{batch}.csv'}",
        "b: {route: window, land: 'landing/window/{batch}.csv'}",
        "c: {route: wide, land: 'landing/wide/{batch}.parquet'}",
        "i: {route: bare, land: 'landing/bare/{batch}.csv'}",
        "d: {route: each, land: 'landing/other/{batch}.csv'}",
        "e: {route: each, land: 'landing/each/x/y.csv'}",
        "f: {route: each, land: 'landing/each/{site}/{batch}.csv'}",
        "g: {route: each, land: 'landing/each/*/{batch}.csv'}",
        "h: {route: each, land: 'landing/each/x/{batch}.csv', close: {records: 0, age: soon}, answer: nobody, more: 1}",
    )

    with pytest.raises(ConfigurationError) as caught:
        load(path)

    said = str(caught.value)
    for expected in (
        "streams.Bad: is not a stream's name",
        "streams.a.route: is 'eech', which is no route; did you mean 'each'?",
        "streams.b.route: is 'window', which groups files itself",
        "streams.c.route: is 'wide', whose data contract is of parquet",
        "streams.i.route: is 'bare', whose data contract bare.yaml says csv.header: false; remove header: false",
        "streams.d.land: is 'landing/other/{batch}.csv', which route each does not take",
        "streams.e.land: is 'landing/each/x/y.csv' without {batch}",
        "streams.f.land: uses {site}; use {stream}, {key}, {batch}",
        "streams.g.land: is 'landing/each/*/{batch}.csv'; a template has no wildcards",
        "streams.h.close.records: is 0",
        "streams.h.close.age: is 'soon'",
        "streams.h.answer: is 'nobody'",
        "streams.h.more: is not a field here",
    ):
        assert expected in said, said
