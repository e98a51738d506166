"""Queries, alert rules and the workbook: each reads, and names only what the code emits."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from infra.check.evaluation import Files
from infra.check.findings import Finding, Place, TemplateError
from infra.check.kusto import Query, read
from shared.telemetry.names import ATTRIBUTES, COUNTS, LEVELS, SECONDS, SPAN_ATTRIBUTES

_METRICS = {**SECONDS, **COUNTS, **LEVELS}
_RULE_FIELDS = {"name", "title", "description", "query", "severity", "frequency", "window", "range"}
_LONGEST_RANGE = {"PT5M", "PT10M", "PT15M", "PT30M", "PT1H", "PT3H", "PT6H", "PT12H", "P1D", "P2D"}
# Of online endpoints and deployments, by Azure Monitor's reference.
_ENDPOINT_METRICS = frozenset(
    [
        "RequestLatency",
        "RequestLatency_P50",
        "RequestLatency_P90",
        "RequestLatency_P95",
        "RequestLatency_P99",
        "RequestsPerMinute",
        "CpuUtilizationPercentage",
        "CpuMemoryUtilizationPercentage",
        "GpuUtilizationPercentage",
        "GpuMemoryUtilizationPercentage",
        "DeploymentCapacity",
        "DiskUtilization",
    ]
)
_ITEM_TYPES = {1: "text", 3: "query", 9: "parameters", 10: "metrics", 11: "links", 12: "group"}


def query_findings(files: Files) -> Iterator[Finding]:
    """What is wrong with the queries, the alerts' table and the workbook."""
    for path, text in files.texts.items():
        if path.endswith(".kql"):
            yield from judge(text, path)
    yield from _rules(files)
    yield from _workbook(files)


@lru_cache(maxsize=256)  # Tests of seeded mistakes change one query of many.
def judge(text: str, file: str) -> tuple[Finding, ...]:
    """What is wrong with one query."""
    try:
        return tuple(_names(read(text, file), file))
    except TemplateError as error:
        return (error.finding,)


def _names(query: Query, file: str) -> Iterator[Finding]:
    metrics = (
        {name for name in query.metrics if name.startswith("signalbox.")} if "customMetrics" in query.tables else set()
    )
    for name in sorted(metrics - set(_METRICS)):
        yield Finding(Place(file, 1), "query-names", f"{name} is no metric of shared/telemetry")
    if "customMetrics" in query.tables and not query.metrics:
        yield Finding(Place(file, 1), "query-names", "it reads every metric at once; compare `name`")
    allowed = {attribute for name in metrics & set(_METRICS) for attribute in ATTRIBUTES[name]}
    if query.tables - {"customMetrics"}:
        allowed |= set(SPAN_ATTRIBUTES)
    for attribute, line in query.attributes.items():
        if attribute not in allowed:
            yield Finding(
                Place(file, line),
                "query-names",
                f"{attribute} is no attribute of {', '.join(sorted(metrics)) or 'a span'}",
            )


def _rules(files: Files) -> Iterator[Finding]:
    place = Place("alerts.json", 1)
    names = set[str]()
    for rule in json.loads(files.texts["alerts.json"])["rules"]:
        if set(rule) != _RULE_FIELDS:
            yield Finding(place, "alerts", f"{rule.get('name')} must have exactly {', '.join(sorted(_RULE_FIELDS))}")
            continue
        if f"queries/{rule['query']}.kql" not in files.texts:
            yield Finding(place, "alerts", f"{rule['name']} asks queries/{rule['query']}.kql, which is not there")
        if rule["severity"] not in range(5) or not {rule["range"], rule["window"]} <= _LONGEST_RANGE:
            yield Finding(place, "alerts", f"{rule['name']} has a severity or a time that Azure Monitor does not take")
        if rule["name"] in names:
            yield Finding(place, "alerts", f"{rule['name']} is there twice")
        names.add(rule["name"])


def _workbook(files: Files) -> Iterator[Finding]:
    place = Place("workbook.json", 1)
    workbook = json.loads(files.texts["workbook.json"])
    if workbook.get("version") != "Notebook/1.0" or not isinstance(workbook.get("items"), list):
        yield Finding(place, "workbook", "it must be Notebook/1.0 with items")
        return
    for item in _items(workbook):
        kind = _ITEM_TYPES.get(item.get("type", 0))
        if kind is None:
            yield Finding(place, "workbook", f"{item.get('name')} has the type {item.get('type')}, which is none")
        elif kind == "query":
            yield from _query_item(item)
        elif kind == "metrics":
            for metric in item["content"]["metrics"]:
                if metric["metric"].rpartition("--")[2] not in _ENDPOINT_METRICS:
                    yield Finding(place, "workbook", f"{metric['metric']} is no metric of endpoints")


def _query_item(item: dict[str, Any]) -> Iterator[Finding]:
    content = item["content"]
    if content.get("version") != "KqlItem/1.0" or content.get("resourceType") != "microsoft.insights/components":
        yield Finding(
            Place("workbook.json", 1), "workbook", f"{item.get('name')} must be KqlItem/1.0 of Application Insights"
        )
    for finding in judge(content["query"], "workbook.json"):
        yield Finding(finding.place, finding.rule, f"{item.get('name')}: {finding.problem}")


def _items(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in part["items"]:
        yield item
        if item.get("type") == 12:
            yield from _items(item["content"])
