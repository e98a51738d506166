"""The section `answers`: read whole, and refused where it would feed the app its own results or count rows twice."""

from pathlib import Path

import pytest

from shared.config import ConfigurationError, load

BODY = """\
environments:
  prod: {subscription: s, resource_group: g, workspace: w}
hub: {account: datahub}
models:
  risk: {contract: contract.yaml, contracts: {"2": contract.yaml}, drift: {output: {name: score}}}
  bare: {}
routes:
  each:
    take: landing/each/{name}.csv
    score: {environment: prod, endpoint: e-batch, model: risk}
    publish: predictions/each/{run}
answers:
"""
ONLINE = """\
  records:
    take: landing/records/{name}.csv
    score: {environment: prod, endpoint: e, kind: online, model: risk}
    publish: predictions/records/{run}
answers:
"""


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "contract.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")

    def write(*lines: str, body: str = BODY) -> Path:
        path = tmp_path / "signalbox.yaml"
        path.write_text(body + "".join(f"  {line}\n" for line in lines))
        return path

    return write


def answers(publish: str = "predictions/online/{model}/{part}", endpoint: str = "e", **more: str) -> str:
    fields = {"environment": "prod", "endpoint": endpoint, "model": "risk", "publish": f"'{publish}'"} | more
    return "online: {" + ", ".join(f"{name}: {value}" for name, value in fields.items()) + "}"


def problems(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    return str(caught.value)


def test_a_section_has_the_contracts_of_its_model_and_defaults(write) -> None:
    (rule,) = load(write(answers(within="3d", field="score"))).answers

    assert (rule.name, rule.place, rule.model, rule.contract) == ("online", "prod/e", "risk", "contract.yaml")
    assert (rule.after_s, rule.within_s, rule.inputs, rule.outputs, rule.field) == (
        900,
        3 * 86400,
        "request",
        "response",
        "score",
    )
    assert rule.contract_of("2") == "contract.yaml"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (answers("predictions/online/{model}"), "without {part}"),
        (answers("predictions/{run}/{part}"), "uses {run}"),
        (answers("predictions/*/{part}"), "no wildcards"),
        (answers("signalbox-staging/{part}"), "Signalbox's own container"),
        (answers("landing/{part}"), "feeds route each"),
        (answers(environment="dev"), "is 'dev'"),
        (answers(model="bare"), "which has no data contract"),
        (answers(model="other"), "which has no data contract"),
        (answers(after="2h", within="1h"), "look longer than you wait"),
        (answers(inputs="response"), "is 'response', as inputs"),
        (answers() + "\n  twice: " + answers().partition(": ")[2], "publish the answers of an endpoint once"),
    ],
)
def test_what_makes_no_sense_is_refused(write, line: str, problem: str) -> None:
    text = problems(write(line))
    assert problem in text
    assert "answers" in text


def test_rows_that_a_route_asks_the_endpoint_for_are_not_counted_twice(write) -> None:
    body = BODY.replace("answers:\n", ONLINE)
    assert "counts route records, whose rows are among the answers of e" in problems(write(answers(), body=body))
    load(write(answers(endpoint="another"), body=body))
    load(write(answers(), body=body.replace("drift: {", "drift: {answers: false, ")))
    load(write(answers(), body=body.replace("drift: {", "drift: {routes: [each], ")))
