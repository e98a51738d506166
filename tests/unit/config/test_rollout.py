"""`ladder.STAGE.rollout`: what no rollout could do is refused with the arithmetic, when it is configured."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.config import check, load
from shared.domain.rollout.estimates.forecast import expectations
from shared.domain.rollout.policy import BatchShare, ExpectedRequests, RolloutPolicy

PROJECT = Path(__file__).parents[3]
EXAMPLE = yaml.safe_load("""
environments:
  dev: {subscription: s, resource_group: g, workspace: dev}
  prod: {subscription: s, resource_group: g, workspace: prod}
registry: {name: central, subscription: s, resource_group: g}
hub: {account: datahub}
models:
  churn: {contract: c.yaml}
ladder:
  central:
    from: dev
    registry: true
    approvals: {nobody_is_asked: true}
  production:
    from: central
    environment: prod
    serve: {online: churn-online}
    approvals: {nobody_is_asked: true}
    rollout: {steps: [5, 25, {to: 50, cleared: true}, 100], expect: {per_hour: 6000}}
routes:
  nightly:
    take: landing/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "churn:1"}
    publish: predictions/{run}
""")


def written(folder: Path, **changes: Any) -> Path:
    content = copy.deepcopy(EXAMPLE)
    content["ladder"]["production"]["rollout"] |= changes
    (folder / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    path = folder / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def problems(folder: Path, **changes: Any) -> list[str]:
    start = "ladder.production.rollout."
    findings = check(written(folder, **changes))
    return [f"{found.field.removeprefix(start)} {found.problem}" for found in findings if start in found.field]


def policy_in(path: Path) -> RolloutPolicy:
    (policy,) = [stage.rollout for stage in load(path).ladder.stages if stage.rollout]
    return policy


def test_a_possible_rollout_is_read(tmp_path):
    policy = policy_in(written(tmp_path))
    assert policy.expect == ExpectedRequests(per_hour=6000)


@pytest.mark.parametrize(
    ("longest", "kubernetes", "longest_s"),
    [(None, "", 180), (None, "aks", 300), ("20s", "", 20), ("0s", "aks", 0)],
)
def test_a_block_waits_for_the_longest_request_that_azure_lets_last(tmp_path, longest, kubernetes, longest_s):
    path = written(tmp_path, look={"counts": "traffic_log", "longest": longest})
    content = yaml.safe_load(path.read_text())
    content["ladder"]["production"]["serve"]["kubernetes"] = kubernetes or None
    path.write_text(yaml.safe_dump(content))
    look = policy_in(path).look
    assert (look.longest_s, look.due_s) == (longest_s, longest_s + 240)


@pytest.mark.parametrize(
    ("changes", "field", "arithmetic"),
    [
        ({"expect": {"per_hour": 60}}, "each.requests", "5 % of 60 requests an hour are 18 in 6 h"),
        ({"expect": {"per_hour": 20}}, "soak.requests", "20 requests an hour are 600 in 30 h"),
        ({"expect": {"per_hour": 300, "errors": 0.001}}, "compare.errors.worse", "of the evidence"),
        ({"expect": {"per_hour": 600, "errors": 0.002}}, "steps", "must be cleared before 50 %"),
        ({"each": {"at_least": "5m", "at_most": "9m"}}, "each.at_most", "no look counts anything before 780 s"),
        ({"soak": {"for": "5m"}}, "soak.for", "no look counts anything before 780 s"),
        ({"soak": {"compare": "week_before", "tolerated": 4}}, "compare.errors.worse", "is 3, and the soak tolerates"),
        ({"compare": {"outputs": {"field": "score"}}}, "compare.outputs", "has neither edges nor classes"),
        ({"compare": {"outputs": {"edges": [1, 1]}}}, "compare.outputs.edges", ""),
        ({"alerts": {"rules": ["prod-errors"]}, "keep_warm": "48h"}, "keep_warm", "for 259200 s (alerts.within)"),
    ],
)
def test_what_no_rollout_could_do_is_refused_with_the_arithmetic(tmp_path, changes, field, arithmetic):
    (problem,) = [problem for problem in problems(tmp_path, **changes) if problem.startswith(f"{field} ")]
    assert arithmetic in problem


def test_each_bin_of_the_outputs_is_a_comparison(tmp_path):
    outputs = {"edges": [50, 100], "field": "score", "weight": 0.4}
    path = written(tmp_path, compare={"outputs": outputs}, soak={"compare": "week_before"})
    comparisons = policy_in(path).test.comparisons
    beside = [comparison for comparison in comparisons if not comparison.weeks_apart]
    assert [(comparison.name, comparison.clears) for comparison in beside] == [
        ("errors", True),
        ("outputs below 50", True),
        ("outputs 50 to 100", True),
        ("outputs from 100", True),
        ("outputs unread", False),
    ]
    assert sum(comparison.weight for comparison in beside) == pytest.approx(1.4)
    weights = sum(comparison.weight for comparison in comparisons)
    assert sum(c.weight for c in comparisons if c.weeks_apart) == pytest.approx(0.2 * weights)


def test_little_traffic_is_no_fault_where_nobody_says_how_much_there_is(tmp_path):
    assert problems(tmp_path, expect=None) == []


def test_a_plan_says_which_difference_would_be_found_by_when(tmp_path):
    policy = policy_in(written(tmp_path))
    whole, five, *_ = expectations(policy, (5, 25, 50, 100))
    assert whole.startswith("the rollout lasts 25 h at least, and 48 h until")
    assert five.startswith(
        "5 %: 300 requests an hour, 40 min at least; aborted with 2 times the odds of an error after"
    )
    assert "a first" not in five
    assert len(expectations(policy, (100,))) == 1


def test_arrivals_are_shared_only_where_a_batch_endpoint_and_a_route_that_follows_it_are(tmp_path: Path) -> None:
    assert problems(tmp_path, batch={}) == ["batch is set, and the stage has no batch endpoint"]
    serving, route = EXAMPLE["ladder"]["production"]["serve"], EXAMPLE["routes"]["nightly"]
    pinned = dict(route)
    try:
        serving["batch"] = "churn-batch"
        assert problems(tmp_path, batch={}) == ["batch is set, and no route follows churn-batch"]
        route["score"] = {"environment": "prod", "endpoint": "churn-batch", "model": "churn"}
        assert problems(tmp_path, batch={}, steps=[100]) == ["batch is set, and the first step has all traffic"]
        policy = policy_in(written(tmp_path, batch={"rows": 20, "delimiter": ","}))
    finally:
        del serving["batch"]
        route |= pinned
    assert policy.batch == BatchShare(rows=20, field=-1, delimiter=",")


def test_on_kubernetes_requests_are_counted_from_what_is_collected(tmp_path: Path) -> None:
    serving = EXAMPLE["ladder"]["production"]["serve"]
    try:
        serving["kubernetes"] = "aks-1"
        assert problems(tmp_path) == ["look.counts is 'metrics'"]
        assert problems(tmp_path, look={"counts": "collector"}) == []
        slow = problems(tmp_path, look={"counts": "collector"}, compare={"slow": {"over_ms": 200}})
        clients = problems(tmp_path, look={"counts": "collector", "unit": "connection"})
        configuration = load(written(tmp_path, look={"counts": "collector"}))
    finally:
        del serving["kubernetes"]
    assert slow == ["compare.slow cannot be counted from collector"]
    assert clients == ["look.unit is 'connection'"]
    (stage,) = [stage for stage in configuration.ladder.stages if stage.rollout]
    assert stage.environment is not None
    assert configuration.collections(stage.environment, "churn-online") == ("request", "response")


def test_what_the_documentation_adds_to_the_example_is_possible(tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "rollout.md").read_text().partition("### With batch, a load and published answers")[2]
    content = _merged(
        yaml.safe_load((PROJECT / "signalbox.yaml").read_text()),
        yaml.safe_load(text.split("```")[1].removeprefix("yaml")),
    )
    (tmp_path / "examples").symlink_to(PROJECT / "examples")
    path = tmp_path / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))

    assert not check(path)
    configuration = load(path)
    stage = configuration.ladder.stages[-1]
    assert stage.rollout is not None
    assert stage.rollout.batch == BatchShare(rows=20, field=-1, delimiter=" ")
    assert [gate.gate for gate in stage.entry_gates] == ["rollback_rehearsed", "not_frozen", "load"]
    assert [rule.place for rule in configuration.answers] == ["prod/diabetes-online"]


def test_no_two_environments_of_the_example_have_an_endpoint_of_the_same_name() -> None:
    """Azure keeps the names of endpoints, online and batch, unique within a region."""
    stages = [stage.serving for stage in load(PROJECT / "signalbox.yaml").ladder.stages if stage.environment]
    names = [name for serving in stages for name in (serving.online, serving.batch) if name]
    assert len(names) == len(set(names)), names


def _merged(content: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """*content* with the fields of *more*, section by section."""
    both = {name: _merged(content[name], more[name]) for name in more if isinstance(content.get(name), dict)}
    return content | more | both
