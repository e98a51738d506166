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


def workspace_client() -> MLClient:
    """A client of the workspace that `signalbox.yaml` names; without SIGNALBOX_URL that of the local cloud."""
    if not os.environ.get("SIGNALBOX_URL"):
        command = [sys.executable, "-m", "signalbox.cli", "env"]
        exports = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        os.environ.update(word.split("=", 1) for word in shlex.split(exports) if "=" in word)
    place = yaml.safe_load((PROJECT / "signalbox.yaml").read_text())["environments"]["dev"]
    workspace = (place["subscription"], place["resource_group"], place["workspace"])
    return MLClient(DefaultAzureCredential(), *workspace, show_progress=False)
