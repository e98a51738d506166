"""Copy a large bundle between two workspaces of the local cloud: peak memory, speed, and what moves the second time.

    python bench/copy_bundle.py [--megabytes N]

The copy runs in a process of its own with the app's own adapters; memory is that process's peak, interpreter included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

MEMORY_LIMIT_MB = 100
_MEGABYTE = 1024 * 1024
_FOLDER = "azureml://datastores/workspaceblobstore/paths/bench/bundle"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=2048)
    arguments.add_argument("--copy", metavar="RESOURCE_MANAGER", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.copy:
        print(json.dumps(copy(options.copy)))
        return
    measure(options.megabytes)


def measure(megabytes: int) -> None:
    from signalbox.launcher.cloud import LocalCloud

    with tempfile.TemporaryDirectory() as folder:
        cloud = LocalCloud(PROJECT, Path(folder))
        try:
            cloud.start_services()
            put(cloud, megabytes)
            environment = {**os.environ, **cloud.endpoints.environment()}
            command = [sys.executable, __file__, "--copy", cloud.endpoints.resource_manager]
            runs = [json.loads(subprocess.check_output(command, env=environment, cwd=PROJECT)) for _ in range(2)]
        finally:
            cloud.stop()
    report(megabytes, runs)


def put(cloud, megabytes: int) -> None:
    """One file of random bytes in dev's own storage, and a small one beside it."""
    from signalbox.launcher.hub import hub_client

    block = os.urandom(_MEGABYTE)
    with hub_client(cloud.endpoints, "stdev") as client:
        container = client.get_container_client("azureml-blobstore")
        stream = (block[n % 251 :] + block[: n % 251] for n in range(megabytes))
        container.upload_blob("bench/bundle/weights.bin", stream, length=megabytes * _MEGABYTE, overwrite=True)
        container.upload_blob("bench/bundle/facts.json", b"{}", overwrite=True)


def copy(resource_manager: str) -> dict[str, float]:
    """Plan what is there, copy what is missing: the figures of this process."""
    import resource

    from azure.identity import DefaultAzureCredential

    from shared.adapters.azure_ml.arm import Arm
    from shared.adapters.azure_ml.bundles import AzureMlBundles
    from shared.domain.inference.routes import Workspace
    from shared.domain.promotion.bundles import MODEL, BundleFile
    from shared.domain.promotion.models import ModelVersion
    from shared.ports import Shelf
    from signalbox.launcher.endpoints import WORKSPACES

    credential = DefaultAzureCredential()
    store = AzureMlBundles(Arm(credential, resource_manager), credential, os.environ["STORAGE_ACCOUNTS_URL"])
    places = {
        workspace.name: Workspace(
            name=workspace.name,
            subscription=workspace.subscription,
            resource_group=workspace.resource_group,
            workspace=workspace.name,
        )
        for workspace in WORKSPACES
    }
    asset = ModelVersion(name="bench", version="1")
    source, target = (Shelf(place=places[name], folder=_FOLDER, asset=asset) for name in ("mlw-dev", "mlw-preprod"))
    files = [
        BundleFile(part=MODEL, path=file.path, size=file.size, sha256=store.digest(source, file.path))
        for file in store.files(source)
    ]
    began = time.perf_counter()
    copied_bytes = sum(file.size for file in files if store.copy(source, target, file))
    return {
        "seconds": time.perf_counter() - began,
        "moved_mb": copied_bytes / _MEGABYTE,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def report(megabytes: int, runs: list[dict[str, float]]) -> None:
    print("| copy | bundle | moved | time | peak memory |\n|---|---|---|---|---|")
    for name, run in zip(("first", "again"), runs, strict=True):
        row = f"{run['moved_mb']:.0f} MB | {run['seconds']:.1f} s | {run['peak_mb']:.0f} MB"
        print(f"| {name} | {megabytes} MB | {row} |")
    if max(run["peak_mb"] for run in runs) > MEMORY_LIMIT_MB or runs[1]["moved_mb"]:
        sys.exit(f"a copy may use {MEMORY_LIMIT_MB} MB, and nothing may move the second time")


if __name__ == "__main__":
    main()
