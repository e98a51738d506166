"""Azurite with blobs and queues in memory, for tests of what uses Azure Storage."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from signalbox.launcher.endpoints import free_ports, listens
from signalbox.launcher.storage.azurite import find_azurite

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextmanager
def storage_service() -> Iterator[str]:
    """Its connection string, until the end."""
    ports = free_ports(3)
    script = find_azurite(print).parents[1] / "azurite.js"
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    for service, port in zip(("blob", "queue", "table"), ports, strict=True):
        options += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
    process = subprocess.Popen(["node", str(script), *options])
    try:
        while not all(listens(port) for port in ports):
            assert process.poll() is None, "Azurite has ended"
            threading.Event().wait(0.05)
        addresses = [
            f"{name}Endpoint=http://127.0.0.1:{port}/devstoreaccount1"
            for name, port in zip(("Blob", "Queue"), ports, strict=False)
        ]
        account = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY}"
        yield ";".join([account, *addresses])
    finally:
        process.terminate()
        process.wait()
