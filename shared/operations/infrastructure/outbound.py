"""Where the app must reach out to, and which doors of a configuration a network profile closes. Pure."""

from collections.abc import Iterator

from shared import settings as s
from shared.domain.configuration import Configuration

OPEN, RESTRICTED, SEALED = "open", "restricted", "sealed"
PROFILES = (OPEN, RESTRICTED, SEALED)


def outbound_hosts(configuration: Configuration) -> list[dict[str, str]]:
    """The hosts of an egress firewall's allow-list, with why; `*.` stands for one label or more."""
    account = configuration.hub.account
    rows = [
        (f"{account}.blob.core.windows.net", "the Data Hub"),
        *((f"{hub.account}.blob.core.windows.net", f"hub {hub.name}") for hub in configuration.hubs),
        ("*.blob.core.windows.net", "storage accounts of the workspaces and of the host"),
        ("*.queue.core.windows.net", "Durable Functions' queues"),
        ("*.table.core.windows.net", "Durable Functions' history"),
        ("*.eventgrid.azure.net", "announcements"),
        ("*.servicebus.windows.net", "queues and the topic"),
        (s.DEFAULTS[s.KEY_VAULT_HOSTS], "secrets and signing keys"),
        ("management.azure.com", "Azure Resource Manager"),
        ("login.microsoftonline.com", "tokens, and the keys of their issuer"),
        (s.DEFAULTS[s.ML_HOSTS], "online endpoints"),
        (s.DEFAULTS[s.ML_API_HOSTS], "jobs and tracking of Azure ML"),
        ("api.loganalytics.io", "the traffic log, where it is counted"),
        ("*.in.applicationinsights.azure.com", "telemetry"),
    ]
    if configuration.devops.organisations:
        rows += [("dev.azure.com", "Azure DevOps"), ("vssps.dev.azure.com", "people of Azure DevOps")]
    rows += [(host.partition(":")[0], "files that are imported") for host in configuration.sources.hosts]
    return [{"host": host, "why": reason} for host, reason in rows]


def closed_doors(configuration: Configuration, profile: str) -> Iterator[str]:
    """What the configuration asks for and *profile* makes impossible: a sentence each, with what to do instead."""
    if profile != SEALED:
        return
    if configuration.devops.organisations:
        yield (
            "devops.organisations: agentless tasks and checks of Azure DevOps cannot reach a sealed app; call "
            "POST /api/v1/devops/checks from a self-hosted agent in the network, and take hooks from the queue"
        )
    for stage in configuration.ladder.stages:
        if stage.rollout is not None and stage.rollout.alerts.rules:
            yield (
                f"ladder.{stage.name}.rollout.alerts: action groups cannot call a sealed app, so alerts wait for the "
                "sweep; count on minutes and not on seconds before production is brought back"
            )
