"""Alerts about production over HTTP: what each came to, a rollback or the reason why not. They come in by `events`."""

from dataclasses import dataclass

from shared.records.production.alerts import AlertRecord, alerts_of
from triggers.http.api_route import ApiRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingAlerts:
    """The one that was judged last comes first."""

    environment: str
    endpoint: str
    alerts: tuple[AlertRecord, ...]


def show_serving_alerts(request: ApiRequest, environment: str, endpoint: str) -> ServingAlerts:
    """Every alert of the rules under `rollout.alerts` about the endpoint, and what it has started or why not."""
    clients = request.clients
    name = clients.configuration.workspace(environment).name
    records = sorted(alerts_of(clients.store, name, endpoint), key=lambda record: record.at, reverse=True)
    return ServingAlerts(environment=name, endpoint=endpoint, alerts=tuple(records))
