"""Every documented operation of azure-ai-ml with the real client: it works, or is answered with 501 at once."""

import time
from collections.abc import Iterator

import pytest
from azure.core.exceptions import HttpResponseError

from signalbox.launcher.ml_client import ml_client
from tests.emulators.conftest import Ml
from tests.emulators.documented.page import PAGE, page
from tests.emulators.documented.rows import ROWS, Operation
from tests.emulators.documented.stage import Stage

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml")]

AT_ONCE_S = 20.0  # A client that retries needs 30 s and more.


@pytest.fixture(scope="module")
def stage(ml: Ml, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ml_client(ml.endpoints, "mlw-dev") as client:
        yield Stage(client, tmp_path_factory.mktemp("documented"))


def test_every_operation_is_served_or_refused_at_once(stage: Stage) -> None:
    """One test, because later operations use what earlier ones have made."""
    faults = [f"{row.area} {row.words}: {fault}" for row in ROWS if (fault := _fault(stage, row))]

    assert not faults, "\n".join(faults)


def _fault(stage: Stage, row: Operation) -> str:
    began = time.monotonic()
    try:
        result = row.call(stage)
    except HttpResponseError as error:
        if row.is_served:
            return f"is refused: {error.message}"
        code = error.error.code if error.error else ""
        if (error.status_code, code) != (501, "NotImplemented") or "The local" not in error.message:
            return f"is answered with {error.status_code}: {error.message}"
        elapsed = time.monotonic() - began
        return f"was refused after {elapsed:.0f} s" if elapsed > AT_ONCE_S else ""
    except Exception as error:  # A crash of the client is a fault of what it was answered.
        return f"crashed the client: {error!r}"
    if not row.is_served:
        return "is served"
    return "" if result else f"gave {result!r}"


def test_the_page_has_the_table_of_the_operations() -> None:
    text = PAGE.read_text()

    assert page(text) == text, "run make documents"
