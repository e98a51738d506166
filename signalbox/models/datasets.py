"""Data assets and datastores of a workspace, written by Azure ML's own client, on the local cloud and on Azure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalbox.models.workspace import MlWorkspace, datastore_path, upload

URI_SCHEMES = ("azureml://", "https://", "abfss://", "wasbs://")


class DataRefused(ValueError):
    """The data cannot be registered as it was asked for; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVersion:
    """The version *name*:*version* of what lies at *source*: a file or folder of this machine, or an address.

    *kind* is `uri_file`, `uri_folder` or `mltable`; empty where *source* is of this machine and shows it.
    """

    name: str
    version: str
    source: str
    kind: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


def register_data(workspace: MlWorkspace, data: DataVersion) -> str:
    """Register the version, whose files are uploaded first; returns the address. A version never changes.

    Raises DataRefused where the workspace has it already, or where nothing lies at its source.
    """
    from azure.ai.ml.entities import Data

    with workspace.client() as client:
        if _is_registered(client, data.name, data.version):
            raise DataRefused(
                f"{data.name}:{data.version} is registered already, and never changes; use another version"
            )
        address, kind = _uploaded(workspace, data)
        asset = Data(name=data.name, version=data.version, path=address, type=kind, tags=dict(data.tags))
        return str(client.data.create_or_update(asset).path)


def register_datastore(workspace: MlWorkspace, name: str, account: str, container: str) -> None:
    """Register the blob container as datastore *name*, reached by the identity of its reader; safe to repeat.

    Raises DataRefused where the workspace has another datastore of that name.
    """
    from azure.ai.ml.entities import AzureBlobDatastore
    from azure.core.exceptions import ResourceNotFoundError

    with workspace.client() as client:
        try:
            present = client.datastores.get(name)
        except ResourceNotFoundError:
            present = None
        if present is not None:
            place = (getattr(present, "account_name", ""), getattr(present, "container_name", ""))
            if place != (account, container):
                raise DataRefused(f"datastore {name} is there, and is {'/'.join(map(str, place))}; use another name")
            return
        client.datastores.create_or_update(
            AzureBlobDatastore(name=name, account_name=account, container_name=container)
        )


def _is_registered(client: Any, name: str, version: str) -> bool:
    from azure.core.exceptions import ResourceNotFoundError

    try:
        client.data.get(name, version)
    except ResourceNotFoundError:
        return False
    return True


def _uploaded(workspace: MlWorkspace, data: DataVersion) -> tuple[str, str]:
    """The address and the type of the data, after its files were uploaded, where they are of this machine."""
    if data.source.startswith(URI_SCHEMES):
        if not data.kind:
            raise DataRefused(f"{data.source} is an address; say what it is: --type uri_file, uri_folder or mltable")
        return data.source, data.kind
    path, folder = Path(data.source), f"data/{data.name}/{data.version}"
    if path.is_dir() and any(path.iterdir()):
        is_table = (path / "MLTable").is_file()
        upload(workspace, path, folder)
        return datastore_path(folder), data.kind or ("mltable" if is_table else "uri_folder")
    if path.is_file() and data.kind in ("", "uri_file"):
        with workspace.container() as container, path.open("rb") as stream:
            container.upload_blob(f"{folder}/{path.name}", stream, overwrite=True)
        return datastore_path(f"{folder}/{path.name}"), "uri_file"
    raise DataRefused(f"{data.source} is no {data.kind or 'file and no folder with files'}; name what lies there")
