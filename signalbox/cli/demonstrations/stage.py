"""The stage that all demonstrations share: the local cloud, the app, a timeline, and waiting."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import requests
from azure.storage.blob import BlobServiceClient

from signalbox.cli.app_client import AppClient
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.people import sign_in

_PATIENCE_S = 300.0  # A slow machine takes five times as long as a fast one.
_EVERY_S = 0.4  # To look at a promotion is a dozen reads of the hub, which slow what is waited for.


class Timeline:
    """Says what happens when, in seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, title: str, detail: str = "") -> None:
        click.echo(f"{time.monotonic() - self._start:6.2f} s  {title:<24} {detail}".rstrip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The local cloud, its app and the timeline, for every scene. Tests play scenes on a cloud with a history.

    *folder* has the trained model; *patience_s* is how long a scene waits for a promotion.
    """

    cloud: LocalCloud
    app: AppClient
    hub: BlobServiceClient
    line: Timeline
    folder: Path
    project: Path
    patience_s: float = _PATIENCE_S


def signed_in(stage: Stage, person: str) -> AppClient:
    """The app as *person* of the local directory calls it."""
    endpoints = stage.cloud.endpoints
    return AppClient(endpoints.app, token=sign_in(endpoints, person))


def wait_for(
    look: Callable[[], Any], otherwise: str, patience_s: float = _PATIENCE_S, every_s: float = _EVERY_S
) -> Any:
    """What *look* gives once it is true. Raises ClickException with the text *otherwise* where it is not in time."""
    deadline = time.monotonic() + patience_s
    while not (outcome := look()):
        expect(time.monotonic() < deadline, otherwise)
        threading.Event().wait(every_s)
    return outcome


def expect(fact: bool, otherwise: str) -> None:
    if not fact:
        raise click.ClickException(otherwise)


def read(hub: BlobServiceClient, place: str) -> bytes:
    container, _, path = place.partition("/")
    return bytes(hub.get_blob_client(container, path).download_blob().readall())


def control(
    stage: Stage, path: str, body: dict[str, Any] | None = None, door: str = "eventgrid", method: str = ""
) -> Any:
    """An answer of the emulators' own doors; *door* is the name of a port such as `eventgrid` or `azureml`."""
    answer = requests.request(
        method or ("GET" if body is None else "POST"),
        stage.cloud.control(path, door),
        json=body,
        verify=str(stage.cloud.endpoints.ca),
        timeout=30,
    )
    answer.raise_for_status()
    return answer.json()
