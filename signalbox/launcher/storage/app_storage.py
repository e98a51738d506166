"""What a function app of the user's own needs of Azure Storage in the local cloud."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from signalbox.launcher.endpoints import Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class AppStorage:
    """*unset* are connections whose account the app's settings leave to the local cloud; *blob_triggers* are functions
    with the container whose blobs call them."""

    unset: tuple[str, ...] = ()
    has_queues: bool = False
    blob_triggers: Mapping[str, str] = field(default_factory=dict)

    def settings(self, endpoints: Endpoints) -> dict[str, str]:
        """The app settings that name the local hub, with the app's identity. An empty one hides what
        local.settings.json says."""
        return {
            name: value
            for connection in self.unset
            for name, value in {
                connection: "",
                f"{connection}__blobServiceUri": endpoints.hub,
                f"{connection}__queueServiceUri": endpoints.queue_service,
            }.items()
        }


NO_STORAGE = AppStorage()


def read_app_storage(app: Path) -> AppStorage:
    """What the bindings of *app* say, in a process of its own; nothing for an app that cannot be loaded, of which the
    host will tell the reason."""
    command = [sys.executable, "-P", "-m", "signalbox.host.indexing", str(app.resolve())]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    if process.returncode:
        return NO_STORAGE
    found = json.loads(process.stdout)
    return AppStorage(unset=tuple(found["unset"]), has_queues=found["has_queues"], blob_triggers=found["blob_triggers"])
