"""One small file for each subject. Importing this package registers them all."""

from shared.doctor.checks import (
    callers,
    clock,
    compute,
    containers,
    devops,
    events,
    issuer,
    locks,
    messaging,
    names,
    permissions,
    scoring,
    settings,
    sweeps,
    workspaces,
)

__all__ = [
    "callers",
    "clock",
    "compute",
    "containers",
    "devops",
    "events",
    "issuer",
    "locks",
    "messaging",
    "names",
    "permissions",
    "scoring",
    "settings",
    "sweeps",
    "workspaces",
]
