"""Records golden histories that are missing, when asked to (SIGNALBOX_RECORD=1); none is ever written over."""

import json
import os
from typing import Any

import pytest

from signalbox.host.durable.orchestrations import replay as host_replay
from tests.replay.histories import GOLDEN, asked_for, replay

only_when_asked = pytest.mark.skipif(
    "SIGNALBOX_RECORD" not in os.environ, reason="records only when SIGNALBOX_RECORD is set"
)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The last context of each instance, as the SDK got it; each step replays its whole history for that."""
    contexts: dict[str, str] = {}
    original = host_replay._context

    def context(instance: Any, replayed: int) -> str:
        text = original(instance, replayed)
        contexts[instance.row.instance_id] = text
        return text

    monkeypatch.setattr(host_replay, "_context", context)
    monkeypatch.setattr(host_replay, "_replays_whole", lambda steps: True)
    return contexts


def record(stem: str, name: str, text: str) -> None:
    path = GOLDEN / f"{stem}.json"
    if not path.exists():
        context = json.loads(text)
        answer = replay(name, context)
        golden = {"name": name, "context": context, "asked_for": asked_for(answer), "output": answer.get("output")}
        path.write_text(json.dumps(golden, indent=1) + "\n")
