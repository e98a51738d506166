"""The alerts and queries of a project name what the app emits, and Azure Monitor takes them."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.monitor.query import LogsQueryClient, LogsQueryStatus

from shared.contracts.promotion import Fate
from shared.domain.inference.runs import RunOutcome
from shared.telemetry.names import COUNTS, LEVELS, SECONDS
from signalbox.product import template_folder
from signalbox.projects.template import render_project
from tests.emulators.conftest import monitored  # noqa: F401 (fixture)
from tests.emulators.monitored import ENDPOINT, GROUP, LOGS, MINUTE_0, Monitored

DOCUMENT = Path(__file__).parents[2] / "docs" / "observability.md"
ROW = re.compile(r"^\| (?P<names>`signalbox\..*?) \|.*\| (?P<attributes>[^|]+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `monitoring` of a project whose endpoint is diabetes-online."""
    project = tmp_path_factory.mktemp("team") / "diabetes"
    render_project(template_folder(), project, answers={}, defaults=True)
    return project / "monitoring"


def attributes_of(metric: str) -> set[str]:
    """The attributes that docs/observability.md gives the *metric*."""
    (text,) = [row["attributes"] for row in ROW.finditer(DOCUMENT.read_text()) if f"`{metric}`" in row["names"]]
    return set(re.split(r", | or ", text))


def test_every_query_names_metrics_attributes_and_outcomes_that_the_app_emits(monitoring: Path) -> None:
    texts = {path.stem: path.read_text() for path in (monitoring / "queries").iterdir()}
    of_metrics = {name: text for name, text in texts.items() if "customMetrics" in text}

    assert set(of_metrics) == {"failed-promotions", "late-predictions", "lost-files"}
    for name, text in of_metrics.items():
        (metric,) = re.findall(r'name == "([^"]+)"', text)
        assert metric in {*SECONDS, *COUNTS, *LEVELS}, name
        assert set(re.findall(r"customDimensions\.(\w+)", text)) <= attributes_of(metric), name
        outcomes = {word for words in re.findall(r"in \((.*)\)", text) for word in re.findall(r'"(\w+)"', words)}
        assert outcomes <= {*RunOutcome, *Fate}, name


def test_azure_monitor_takes_the_rules_of_metrics_and_they_fire(
    monitoring: Path,
    monitored: Monitored,  # noqa: F811
) -> None:
    actions = f"{GROUP}/providers/Microsoft.Insights/actionGroups/app"
    receivers = [{"name": "app", "serviceUri": monitored.hooks, "useCommonAlertSchema": True}]
    group = {"location": "Global", "properties": {"groupShortName": "app", "webhookReceivers": receivers}}
    assert monitored.send("PUT", actions, body=group).status_code == 200
    written = subprocess.run(
        [sys.executable, "alerts.py"], cwd=monitoring, check=True, capture_output=True, text=True
    ).stdout
    for parameter, value in (("actions", actions), ("endpoint", ENDPOINT)):
        written = written.replace(f"[parameters('{parameter}')]", value)
    rules: list[dict[str, Any]] = json.loads(written)["resources"]

    for rule in (rule for rule in rules if rule["type"].endswith("/metricAlerts")):
        path = f"{GROUP}/providers/{rule['type']}/{rule['name']}"
        answer = monitored.send("PUT", path, body={key: rule[key] for key in ("location", "properties")})
        assert answer.status_code == 200, answer.text
    for minute in range(6):
        monitored.add(minute, 5, status=500)
        monitored.pass_minutes(1)
    monitored.pass_minutes(2)

    fired_rules = {body["data"]["essentials"]["alertRule"] for body in monitored.arrived}
    assert fired_rules == {"diabetes-errors"}


def test_log_analytics_answers_the_query_about_requests(monitoring: Path, monitored: Monitored) -> None:  # noqa: F811
    monitored.add(0, 3, endpoint="diabetes-online")
    monitored.add(0, 2, endpoint="diabetes-online", status=503, duration_ms=2000.0)
    monitored.pass_minutes(10)

    with LogsQueryClient(monitored.credential(), endpoint=monitored.logs, retry_total=0) as client:
        span = (datetime.fromtimestamp(MINUTE_0 * 60, UTC), timedelta(minutes=30))
        answer = client.query_workspace(LOGS, (monitoring / "queries" / "requests.kql").read_text(), timespan=span)

    assert answer.status == LogsQueryStatus.SUCCESS
    (row,) = [dict(zip(table.columns, line, strict=True)) for table in answer.tables for line in table.rows]
    assert (row["DeploymentName"], row["requests"], row["failed"], row["slow"]) == ("v1", 5, 2, 2)
