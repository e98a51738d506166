"""An alert of Azure Monitor as the product understands it, and the deployment that it is about.

What an alert causes is decided elsewhere: for retraining in `shared.domain.drift.outside`, for what serves in
`shared.domain.rollout.serving_alerts`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_LONGEST_DESCRIPTION = 500
_ONLINE = re.compile(
    r"(?P<workspace>/subscriptions/.+/workspaces/[^/]+)/onlineEndpoints/(?P<endpoint>[^/]+)"
    r"(/deployments/(?P<deployment>[^/]+))?/?",
    re.IGNORECASE,
)


def alert_name(alert: str) -> str:
    """The last part of the ARM id *alert*, in lower case: a pushed and a listed id differ in what is before it."""
    return alert.rstrip("/").rpartition("/")[2].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCriterion:
    """One condition of the rule, and the *value* that met it: the *metric* of *namespace*, or a log query's result.

    *dimensions* name the one series that fired. *threshold* is None for a rule that learns its threshold.
    """

    metric: str = ""
    namespace: str = ""
    operator: str = ""
    threshold: float | None = None
    aggregation: str = ""
    value: float | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTarget:
    """The online deployment that an alert is about, in lower case, because Azure cases ids differently from place to
    place. A name is empty where the alert does not say it; *workspace* is an ARM id."""

    workspace: str = ""
    endpoint: str = ""
    deployment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanged:
    """An Azure Monitor alert of the rule *rule* fired, or was resolved; *fired_at* tells two firings apart.

    *event_id* is the alert's id. *window_start* and *window_end* bound the data that the rule looked at. *targets* are
    ARM ids, and *items* the names of what they are.
    """

    event_id: str
    rule: str
    fired: bool
    fired_at: str
    resolved_at: str = ""
    description: str = ""
    severity: str = ""
    signal_type: str = ""
    monitoring_service: str = ""
    targets: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    window_start: datetime | None = None
    window_end: datetime | None = None
    criteria: tuple[AlertCriterion, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def because(self) -> str:
        """The alert in a sentence."""
        described = f": {self.description[:_LONGEST_DESCRIPTION]}" if self.description else ""
        return f"alert {self.rule}{described}"

    @property
    def facts(self) -> dict[str, str]:
        """What a cause of retraining keeps of the alert, by Azure Monitor's names."""
        facts = {
            "alertId": self.event_id,
            "severity": self.severity,
            "signalType": self.signal_type,
            "monitoringService": self.monitoring_service,
            "firedDateTime": self.fired_at,
        }
        return {name: fact for name, fact in facts.items() if fact}

    def target(self) -> AlertTarget:
        """The deployment that fired.

        An alert on a metric of an endpoint targets the endpoint and has the deployment as a dimension; one on a metric
        of a deployment targets the deployment. An alert on a log targets the log's workspace, so that only dimensions
        and the rule's own properties can name both.
        """
        match = _ONLINE.fullmatch(self.targets[0]) if self.targets else None
        in_id = {name: text or "" for name, text in match.groupdict().items()} if match else {}
        return AlertTarget(
            workspace=in_id.get("workspace", "").lower(),
            endpoint=(in_id.get("endpoint") or self._named("endpoint")).lower(),
            deployment=(in_id.get("deployment") or self._named("deployment")).lower(),
        )

    def _named(self, kind: str) -> str:
        """The name under `endpoint` or `EndpointName`, in a dimension before the properties; empty where two differ."""
        for mappings in ([criterion.dimensions for criterion in self.criteria], [self.properties]):
            texts = {
                text.lower()
                for mapping in mappings
                for name, text in mapping.items()
                if name.lower() in (kind, f"{kind}name") and text
            }
            if texts:
                return texts.pop() if len(texts) == 1 else ""
        return ""
