"""Copy a large bundle between two workspaces of the local cloud, and plan one of many files.

    python bench/copy_bundle.py [--megabytes N] [--files N]

Both run in a process of their own with the app's own adapters; memory is that process's peak, interpreter included. The
floor of a plan is the same files, each downloaded by the storage client by as many threads and hashed. A plan fails
above RATIO_LIMIT times it, and a copy above MEMORY_LIMIT_MB or where anything moves the second time.
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

from bench.paired_bootstrap import megabytes  # noqa: E402

MEMORY_LIMIT_MB, RATIO_LIMIT = 100, 1.5
_MEGABYTE = 1024 * 1024
_PATHS = "azureml://datastores/workspaceblobstore/paths/bench"
_SMALL_BYTES, _SHARED_BY = 20_000, 16


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=2048)
    arguments.add_argument("--files", type=int, default=2500)
    arguments.add_argument("--do", choices=["copy", "plan", "floor"], help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.do:
        print(json.dumps({"copy": copy, "plan": plan, "floor": floor}[options.do]()))
        return
    measure(options.megabytes, options.files)


def measure(size_mb: int, files: int) -> None:
    from signalbox.launcher.cloud import LocalCloud

    with tempfile.TemporaryDirectory() as folder:
        cloud = LocalCloud(PROJECT, Path(folder))
        try:
            cloud.start_services()
            put(cloud, size_mb, files)
            environment = {**os.environ, **cloud.endpoints.environment()}
            command = [sys.executable, __file__, "--do"]
            runs, plans, floors = (
                [json.loads(subprocess.check_output([*command, what], env=environment, cwd=PROJECT)) for _ in range(2)]
                for what in ("copy", "plan", "floor")
            )
        finally:
            cloud.stop()
    report(size_mb, runs)
    report_plan(files, plans[-1], floors[-1])


def put(cloud, size_mb: int, files: int) -> None:
    """In dev's own storage one file of random bytes and a small one beside it, and in another folder *files* files."""
    from signalbox.launcher.hub import hub_client

    block = os.urandom(_MEGABYTE)
    with hub_client(cloud.endpoints, "stdev") as client:
        container = client.get_container_client("azureml-blobstore")
        stream = (block[n % 251 :] + block[: n % 251] for n in range(size_mb))
        container.upload_blob("bench/large/weights.bin", stream, length=size_mb * _MEGABYTE, overwrite=True)
        container.upload_blob("bench/large/facts.json", b"{}", overwrite=True)
        for number in range(files):
            content = block[number : number + _SMALL_BYTES]
            container.upload_blob(f"bench/many/part-{number:05d}.bin", content, overwrite=True)


def copy() -> dict[str, float]:
    """Copy the large file where it is missing: the figures of this process."""
    from shared.domain.promotion.bundles import MODEL, BundleFile

    store = bundles()
    source, target = shelf("mlw-dev", "large"), shelf("mlw-preprod", "large")
    files = [
        BundleFile(part=MODEL, path=file.path, size=file.size, sha256=store.digest(source, file.path))
        for file in store.files(source)
    ]
    began = time.perf_counter()
    copied_bytes = sum(file.size for file in files if store.copy(source, target, file))
    return {"seconds": time.perf_counter() - began, "moved_mb": copied_bytes / _MEGABYTE, "peak_mb": megabytes("VmHWM")}


def plan() -> dict[str, float]:
    """What a plan reads of a model of many files: the names, sizes and digests of all."""
    from shared.application.promotion.planning import read_bundle

    store, began, worked = bundles(), time.perf_counter(), time.process_time()
    bundle = read_bundle(store, shelf("mlw-dev", "many"), shelf("mlw-dev", "none"))
    return figures(len(bundle.files), began, worked)


def floor() -> dict[str, float]:
    """The same files, each downloaded and hashed by a thread of a pool that does nothing else."""
    import hashlib
    from concurrent.futures import ThreadPoolExecutor

    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import ContainerClient

    account = os.environ["STORAGE_ACCOUNTS_URL"].replace("{account}", "stdev")
    began, worked = time.perf_counter(), time.process_time()
    container = ContainerClient.from_container_url(f"{account}/azureml-blobstore", credential=DefaultAzureCredential())
    names = [blob.name for blob in container.list_blobs(name_starts_with="bench/many/")]
    with ThreadPoolExecutor(_SHARED_BY) as pool:
        digests = pool.map(lambda name: hashlib.sha256(container.download_blob(name).readall()).hexdigest(), names)
        return figures(len(list(digests)), began, worked)


def figures(files: int, began: float, worked: float) -> dict[str, float]:
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    return {"files": files, "seconds": seconds, "processor": processor, "peak_mb": megabytes("VmHWM")}


def bundles():
    from azure.identity import DefaultAzureCredential

    from shared.adapters.azure_ml.arm import Arm
    from shared.adapters.azure_ml.bundles import AzureMlBundles
    from shared.adapters.azure_ml.datastores import Datastores

    credential, accounts = DefaultAzureCredential(), os.environ["STORAGE_ACCOUNTS_URL"]
    arm = Arm(credential, os.environ["AZURE_RESOURCE_MANAGER_URL"])
    return AzureMlBundles(arm, Datastores(arm, credential, accounts), accounts)


def shelf(workspace: str, folder: str):
    """The *folder* of the bench in the storage of *workspace*."""
    from shared.domain.inference.routes import Workspace
    from shared.domain.promotion.models import ModelVersion
    from shared.ports import Shelf
    from signalbox.launcher.endpoints import WORKSPACES

    found = next(place for place in WORKSPACES if place.name == workspace)
    place = Workspace(
        name=workspace, subscription=found.subscription, resource_group=found.resource_group, workspace=workspace
    )
    return Shelf(place=place, folder=f"{_PATHS}/{folder}", asset=ModelVersion(name="bench", version="1"))


def report(size_mb: int, runs: list[dict[str, float]]) -> None:
    print("| copy | bundle | moved | time | peak memory |\n|---|---|---|---|---|")
    for name, run in zip(("first", "again"), runs, strict=True):
        row = f"{run['moved_mb']:.0f} MB | {run['seconds']:.1f} s | {run['peak_mb']:.0f} MB"
        print(f"| {name} | {size_mb} MB | {row} |")
    if max(run["peak_mb"] for run in runs) > MEMORY_LIMIT_MB or runs[1]["moved_mb"]:
        sys.exit(f"a copy may use {MEMORY_LIMIT_MB} MB, and nothing may move the second time")


def report_plan(files: int, planned: dict[str, float], least: dict[str, float]) -> None:
    print("\n| | files | time | processor | peak memory |\n|---|---|---|---|---|")
    for name, run in (("plan", planned), ("floor", least)):
        print(
            f"| {name} | {run['files']} | {run['seconds']:.1f} s | {run['processor']:.1f} s | {run['peak_mb']:.0f} MB |"
        )
    ratio = planned["processor"] / least["processor"]
    print(f"\nThe ratio of the processor's times is {ratio:.2f}.")
    if ratio > RATIO_LIMIT or planned["files"] != files:
        sys.exit(f"a plan of {files} files may take {RATIO_LIMIT} times the floor")


if __name__ == "__main__":
    main()
