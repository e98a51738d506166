"""What the host does not serve stops it at start, by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.triggers.kinds import sort_by_kind
from tests.conformance.table import states


def function(trigger: str, *bindings: str) -> Function:
    def code(given: Any) -> None:
        del given

    fields = {"connection": "ACCOUNT", "source": "EventGrid", "topicEndpointUri": "URL", "topicKeySetting": "KEY"}
    return Function(
        name="f",
        code=code,
        is_async=False,
        trigger={"type": trigger, "name": "given", **fields},
        bindings=[
            {"type": kind, "name": "beside", "direction": "OUT", **fields}
            | ({"connection": None} if kind == "eventGrid" else {})
            for kind in bindings
        ],
        parameters=frozenset({"given", "beside"} if bindings else {"given"}),
        annotations={},
        folder=Path(),
    )


ACCOUNT = "UseDevelopmentStorage=true"
SETTINGS = {"ACCOUNT": ACCOUNT, "AzureWebJobsStorage": ACCOUNT, "URL": "https://t", "KEY": "k"}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("kind", "served"), states())
def test_every_trigger_and_binding_of_the_sdk_is_served_or_refused_by_name(kind: str, served: bool) -> None:
    tried = function(kind) if kind.endswith("Trigger") else function("httpTrigger", kind)
    if served:
        assert sort_by_kind([tried])[tried.kind] == [tried]
    else:
        with pytest.raises(HostError, match=f"function 'f' has .*{kind!r}"):
            sort_by_kind([tried])


def test_a_function_that_is_not_served_may_be_left_out(caplog: pytest.LogCaptureFixture) -> None:
    served = function("httpTrigger")
    assert sort_by_kind([function("sqlTrigger"), served], leave_out=True) == {"httpTrigger": [served]}
    assert "left out: function 'f' has trigger 'sqlTrigger'" in caplog.text


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("blob", "ACCOUNT"),
        ("queue", "ACCOUNT"),
        ("serviceBus", "ACCOUNT"),
        ("eventGrid", "URL"),
        ("eventGrid", "KEY"),
        ("blobTrigger", "ACCOUNT"),
        ("queueTrigger", "ACCOUNT"),
        ("blobTrigger", "AzureWebJobsStorage"),
    ],
)
def test_a_missing_setting_is_named_with_the_function(monkeypatch: pytest.MonkeyPatch, kind: str, setting: str) -> None:
    monkeypatch.delenv(setting)
    with pytest.raises(HostError, match=f"function 'f'.*{setting}"):
        sort_by_kind([function(kind) if kind.endswith("Trigger") else function("httpTrigger", kind)])


def test_a_blob_trigger_that_polls_is_refused() -> None:
    polling = function("blobTrigger")
    with pytest.raises(HostError, match="does not poll containers"):
        sort_by_kind([replace(polling, trigger={**polling.trigger, "source": "LogsAndContainerScan"})])
