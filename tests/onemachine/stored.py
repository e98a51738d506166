"""What the running local cloud has stored, and the secrets that none of it may hold."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from signalbox.launcher.hub import hub_client
from tests.onemachine.world import World
from tests.secrecy import Place, files

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


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


def hub_blobs(world: World, contains: str = "", *, since: datetime = _LONG_AGO, before: int = 1) -> Iterator[Place]:
    """Every blob of the product's own containers whose place *contains* the text, with its metadata.

    Of those that were written before the moment *since*, one of so many as *before* says.
    """
    with hub_client(world.cloud.endpoints) as hub:
        for container in ("signalbox", "dead-letters", "quarantine", "predictions"):
            client = hub.get_container_client(container)
            for number, blob in enumerate(client.list_blobs(include=["metadata"])):
                is_left_out = blob.last_modified < since and number % before
                if contains not in f"{container}/{blob.name}" or is_left_out:
                    continue
                content = client.download_blob(blob.name).readall()
                yield f"{container}/{blob.name}", content + json.dumps(blob.metadata).encode()


def written(world: World) -> list[Place]:
    """The host's database, with inputs and histories, and all logs."""
    state = world.cloud.state
    return [place for place in files(state / "host", state / "logs") if not place[0].endswith("keys.json")]


def recorded_spans(world: World) -> list[Place]:
    return [("spans.db", content) for path, content in files(world.cloud.state) if path.endswith("spans.db")]
