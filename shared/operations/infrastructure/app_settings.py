"""The app's settings on Azure: which there are, and who knows the value of each. Pure.

`shared.settings` has the names and defaults; here every one of them gets a source, so that none is forgotten.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared import settings as s
from shared.domain.configuration import Configuration
from shared.operations.infrastructure import messaging

# What Flex Consumption refuses or ignores.
FORBIDDEN_ON_FLEX = (
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_EXTENSION_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_TIME_ZONE",
    "TZ",
)


class Source(StrEnum):
    """Who knows the value of a setting."""

    VALUE = "value"  # The code does.
    PLATFORM = "platform"  # The templates do: an address or id of what they create.
    OPERATOR = "operator"  # A parameter of the deployment.
    ABSENT = "absent"  # It must not be set: it holds a secret, or a queue has no door.


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSetting:
    name: str
    source: Source
    value: str = ""

    def row(self) -> dict[str, str]:
        row = {"name": self.name, "source": self.source.value}
        return row | {"value": self.value} if self.source is Source.VALUE else row


_OF_TEMPLATES = (s.BLOB_SERVICE, s.TOPIC, s.IDENTITY, s.SERVICE_BUS_NAMESPACE, s.LOG_WORKSPACES)
_OF_OPERATORS = (
    s.SIGNING_KEYS,
    s.TRUSTED_KEYS,
    s.TREE_HEADS,
    s.TOKEN_ISSUER,
    s.TOKEN_AUDIENCE,
    s.SECRETS_KEY,
    s.CALLER_KEYS,
    s.PLATFORM_SIGN_IN,
    s.LEDGER_IDENTITY,
    s.CONSOLE_URL,
    s.SESSION_KEYS,
    s.SERVICE_NOW,
    s.SERVICE_NOW_CLIENT,
    s.SERVICE_NOW_SECRET,
    s.SMTP_SERVER,
    s.MAIL_SERVICE,
    s.TEAMS_WEBHOOKS,
)
_OF_THE_HOST = (
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "SERVICE_BUS__credential",
    "SERVICE_BUS__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
)
# What neither `settings` nor the templates decide: telemetry by the worker, no page of Azure's at `/`, and none of
# NumPy's threads, which wait actively beside the app's own and double the processor time of a gate's intervals.
_CONSTANTS = {
    "AzureWebJobsDisableHomepage": "true",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
}


def app_settings(configuration: Configuration) -> tuple[AppSetting, ...]:
    """Every setting of the app and of its host, each once, by name."""
    queues = {plan.setting: plan.name for plan in messaging.queues(configuration)}
    values = {**queues, s.RESULTS_TOPIC: messaging.RESULTS, **_CONSTANTS}
    rows = [_setting(name, default, values) for name, default in s.DEFAULTS.items()]
    rows += [AppSetting(name=name, source=Source.PLATFORM) for name in _OF_THE_HOST]
    rows += [AppSetting(name=name, source=Source.VALUE, value=value) for name, value in _CONSTANTS.items()]
    return tuple(sorted(rows, key=lambda row: row.name))


def asked_settings(configuration: Configuration) -> dict[str, str]:
    """The settings that only an operator can give and that *configuration* asks for, with what asks for each."""
    askers = [f"ladder.{stage.name}.change" for stage in configuration.ladder.stages if stage.change is not None]
    askers += ["provisioning"] if configuration.provisioning is not None else []
    names = (s.SERVICE_NOW, s.SERVICE_NOW_CLIENT, s.SERVICE_NOW_SECRET)
    return dict.fromkeys(names, ", ".join(askers)) if askers else {}


def _setting(name: str, default: str, values: dict[str, str]) -> AppSetting:
    if name in values:
        return AppSetting(name=name, source=Source.VALUE, value=values[name])
    if name == s.SERVICE_BUS or name in s.QUEUES:
        return AppSetting(name=name, source=Source.ABSENT)
    if name in _OF_TEMPLATES:
        return AppSetting(name=name, source=Source.PLATFORM)
    if name in _OF_OPERATORS:
        return AppSetting(name=name, source=Source.OPERATOR)
    return AppSetting(name=name, source=Source.VALUE, value=default)
