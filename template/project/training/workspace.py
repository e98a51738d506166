"""The workspace of the environment `dev`, on Azure or on the local cloud of this folder."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import yaml
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential

PROJECT = Path(__file__).parents[1]


def environment(name: str) -> dict[str, str]:
    """The environment called *name*, of the configuration that SIGNALBOX_CONFIG names, or else of `signalbox.yaml`.

    Where several teams share an app, it stands in the platform's file, in a folder above this project.
    """
    named = os.environ.get("SIGNALBOX_CONFIG")
    paths = [Path(named)] if named else [folder / "signalbox.yaml" for folder in (PROJECT, *PROJECT.parents)]
    for path in paths:
        environments = yaml.safe_load(path.read_text()).get("environments") if path.is_file() else None
        if environments:
            return dict(environments[name])
    raise LookupError(f"no environments in {paths[0]}; set SIGNALBOX_CONFIG to the configuration that has them")


def workspace_client() -> MLClient:
    """A client of the workspace of the environment `dev`; without SIGNALBOX_URL that of the local cloud."""
    if not os.environ.get("SIGNALBOX_URL"):
        command = [sys.executable, "-m", "signalbox.cli", "env"]
        exports = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        os.environ.update(word.split("=", 1) for word in shlex.split(exports) if "=" in word)
    place = environment("dev")
    workspace = (place["subscription"], place["resource_group"], place["workspace"])
    return MLClient(DefaultAzureCredential(), *workspace, show_progress=False)
