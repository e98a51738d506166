"""One small file for each subject. Importing this package registers them all."""

from shared.doctor.checks import (
    callers,
    clock,
    compute,
    configuration,
    containers,
    devops,
    evaluation,
    events,
    issuer,
    locks,
    messaging,
    names,
    permissions,
    scoring,
    settings,
    workspaces,
)

__all__ = [
    "callers",
    "clock",
    "compute",
    "configuration",
    "containers",
    "devops",
    "evaluation",
    "events",
    "issuer",
    "locks",
    "messaging",
    "names",
    "permissions",
    "scoring",
    "settings",
    "workspaces",
]
