"""The demonstration of provisioning, whole: a ServiceNow, the real pipelines, and an agent that runs them."""

import re
from pathlib import Path

import pytest

from signalbox.cli.demonstrations.provisioning import run_provisioning_demo
from signalbox.product import example_folder


@pytest.mark.proof
def test_requests_become_environments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_provisioning_demo(example_folder(), tmp_path / "demo")

    story = capsys.readouterr().out
    for title in ("change rejected", "environments ready", "asked for again", "found as drift", "in ServiceNow"):
        assert re.search(rf"s  {title}", story), story
