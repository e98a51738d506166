"""Records golden histories (tests/replay) that are missing, when asked to: SIGNALBOX_RECORD=1."""

import json
import os
from typing import Any

import pytest

from signalbox.host.durable import replay as host_replay
from tests.inference.conftest import Product
from tests.replay.histories import GOLDEN, asked_for, replay

pytestmark = pytest.mark.skipif(
    "SIGNALBOX_RECORD" not in os.environ, reason="records only when SIGNALBOX_RECORD is set"
)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The last context of each instance, as the SDK got it."""
    contexts: dict[str, str] = {}
    original = host_replay._context

    def context(instance: Any, replayed: int) -> str:
        text = original(instance, replayed)
        contexts[instance.row.instance_id] = text
        return text

    monkeypatch.setattr(host_replay, "_context", context)
    return contexts


def record(stem: str, name: str, text: str) -> None:
    path = GOLDEN / f"{stem}.json"
    if not path.exists():
        context = json.loads(text)
        answer = replay(name, context)
        golden = {"name": name, "context": context, "asked_for": asked_for(answer), "output": answer.get("output")}
        path.write_text(json.dumps(golden, indent=1) + "\n")


async def test_record_runs(product: Product, seen: dict[str, str]) -> None:
    run = await product.arrive("landing/each/north/a.csv")
    await product.finish(run)
    record("run_inference-completed", "run_inference", seen[run])
    record("wait_for_job", "wait_for_job", seen[f"{run}-wait"])

    held = await product.arrive("landing/each/north/b.csv", b"id,x\n1,bad\n")
    await product.host.settle()
    await product.request("POST", f"runs/{held}/release", {"reason": "agreed"})
    await product.finish(held)
    record("run_inference-released", "run_inference", seen[held])


async def test_record_a_window(product: Product, seen: dict[str, str]) -> None:
    await product.tell(product.land("landing/window/s1/a.csv"))
    await product.pass_time(30)
    window = next(instance for instance in seen if instance.startswith("window-"))
    record("collect_window", "collect_window", seen[window])
