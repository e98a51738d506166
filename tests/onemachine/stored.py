"""What the running local cloud has stored, and the secrets that none of it may hold."""

import json
from collections.abc import Iterator

from signalbox.launcher.hub import hub_client
from tests.onemachine.world import World
from tests.secrecy import Place, files


def real_secrets(world: World) -> dict[str, str]:
    ends, told = world.cloud.endpoints, json.loads((world.cloud.state / "emulators.json").read_text())
    names = (
        "identity_secret",
        "function_key",
        "eventgrid_key",
        "secrets_key",
        "devops_key",
        "servicebus_key",
    )
    accounts = {f"account {name}": account["key"] for name, account in told["accounts"].items()}
    return {**{name: getattr(ends, name) for name in names}, **accounts, "topic": told["topic_key"]}


def hub_blobs(world: World, contains: str = "") -> Iterator[Place]:
    """Every blob of the product's own containers whose place *contains* the text, with its metadata."""
    with hub_client(world.cloud.endpoints) as hub:
        for container in ("signalbox", "dead-letters", "quarantine", "predictions"):
            client = hub.get_container_client(container)
            for blob in client.list_blobs(include=["metadata"]):
                if contains not in f"{container}/{blob.name}":
                    continue
                content = client.download_blob(blob.name).readall()
                yield f"{container}/{blob.name}", content + json.dumps(blob.metadata).encode()


def written(world: World) -> list[Place]:
    """The host's database, with inputs and histories, and all logs."""
    state = world.cloud.state
    return [place for place in files(state / "host", state / "logs") if not place[0].endswith("keys.json")]


def recorded_spans(world: World) -> list[Place]:
    return [("spans.db", content) for path, content in files(world.cloud.state) if path.endswith("spans.db")]
