"""One file for each subject. Importing this package registers all checks."""

from shared.operations.doctor import notices
from shared.operations.doctor.checks import (
    app,
    containers,
    devops,
    evaluation,
    events,
    locks,
    messaging,
    names,
    permissions,
    production,
    scoring,
    signing,
    workspaces,
    writers,
)

__all__ = [
    "app",
    "containers",
    "devops",
    "evaluation",
    "events",
    "locks",
    "messaging",
    "names",
    "notices",
    "permissions",
    "production",
    "scoring",
    "signing",
    "workspaces",
    "writers",
]
