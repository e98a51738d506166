"""What the host does not serve stops it at start, by name."""

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

    return Function(
        name="f",
        code=code,
        is_async=False,
        trigger={"type": trigger, "name": "given"},
        bindings=[{"type": kind, "name": "beside"} for kind in bindings],
        parameters=frozenset({"given"}),
        annotation=None,
        folder=Path(),
    )


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
    assert sort_by_kind([function("blobTrigger"), served], leave_out=True) == {"httpTrigger": [served]}
    assert "left out: function 'f' has trigger 'blobTrigger'" in caplog.text
