"""One file for each subject. Importing this package registers all checks."""

from shared.operations.doctor.checks import (
    app,
    compute,
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
    signing,
    workspaces,
    writers,
)

__all__ = [
    "app",
    "compute",
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
    "signing",
    "workspaces",
    "writers",
]
