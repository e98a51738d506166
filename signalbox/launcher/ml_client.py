"""The real MLClient on the local cloud: sovereign clouds are named the same way."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from signalbox.launcher.client_session import PROXY_VARIABLES, client_environment, read_session
from signalbox.launcher.endpoints import WORKSPACE, WORKSPACES, Endpoints
from signalbox.launcher.hub import LocalIdentity

_CLOUD = "AZUREML_CURRENT_CLOUD"  # The SDK leaves a cloud's name there, which is unknown to child processes.
_CLOUDS = (f"SignalboxLocal{number}" for number in count())  # The SDK registers a cloud's name once for a process.


@contextmanager
def ml_client(endpoints: Endpoints, workspace: str = WORKSPACE) -> Iterator[Any]:
    """A client of *workspace*; within, the process has the trust store and the addresses of the local cloud."""
    scope = next(workspace_ for workspace_ in WORKSPACES if workspace_.name == workspace)
    with _environment({**endpoints.environment(), **_proxy(endpoints)}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The SDK's experimental notices are not ours to act on.
        from azure.ai.ml import MLClient

        for name in ("azure", "azure.ai.ml"):  # The second has a level of its own.
            logging.getLogger(name).setLevel(logging.ERROR)
        yield MLClient(
            LocalIdentity(endpoints),
            scope.subscription,
            scope.resource_group,
            scope.name,
            cloud=next(_CLOUDS),
            cloud_metadata=cloud_metadata(endpoints),
            show_progress=False,
        )


def cloud_metadata(endpoints: Endpoints) -> dict[str, str]:
    """The addresses of a cloud, under the keys of `azure.ai.ml._azure_environments`."""
    return {
        "azure_portal": "https://localhost",
        "resource_manager": endpoints.resource_manager,
        "active_directory": "https://localhost",
        "aml_resource_id": "https://ml.azure.com",
        "storage_endpoint": "core.windows.net",
        "registry_discovery_endpoint": endpoints.resource_manager,
    }


def _proxy(endpoints: Endpoints) -> dict[str, str]:
    """The way to the storage accounts: the SDK makes their addresses itself, and knows Azure's alone."""
    session = read_session(endpoints)
    variables = {} if session is None else client_environment(session)
    return {name: variables[name] for name in PROXY_VARIABLES if name in variables}


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """The process environment with *values*, put back afterwards: the SDK takes its trust store from there."""
    before = {name: os.environ.get(name) for name in (*values, _CLOUD)}
    os.environ.pop(_CLOUD, None)
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
