"""The judge of histories is judged: it passes a right one and finds each way to be wrong."""

import pytest

from signalbox.host.durable.history import Code, Event, event
from signalbox.host.durable.model import InstanceRow, Status
from tests.host.wellformed import delivered, faults

STEP, START = event(Code.ORCHESTRATOR_STARTED, ""), event(Code.EXECUTION_STARTED, "")
TASK, TIMER = event(Code.TASK_SCHEDULED, "", 0), event(Code.TIMER_CREATED, "", 1)
DONE, FIRED = event(Code.TASK_COMPLETED, "", TaskScheduledId=0), event(Code.TIMER_FIRED, "", TimerId=1)
END, STEPPED = event(Code.EXECUTION_COMPLETED, ""), event(Code.ORCHESTRATOR_COMPLETED, "")
PAUSE, GO_ON = event(Code.EXECUTION_SUSPENDED, ""), event(Code.EXECUTION_RESUMED, "")


def row(status: Status, given: str | None = None) -> InstanceRow:
    return InstanceRow(
        instance_id="i", execution_id="e", name="n", created_at="", updated_at="", status=status, input=given
    )


def test_a_right_history_has_no_fault() -> None:
    history = [STEP, START, TASK, TIMER, STEPPED, PAUSE, GO_ON, STEP, FIRED, STEPPED, STEP, DONE, END, STEPPED]
    assert not list(faults(history, row(Status.COMPLETED)))


@pytest.mark.parametrize(
    ("history", "fault"),
    [
        ([START, TASK, TASK], "2: task 0 is scheduled twice"),
        ([START, DONE], "1: TASK_COMPLETED answers task 0, which was not scheduled before"),
        ([START, TASK, event(Code.TIMER_FIRED, "", TimerId=0)], "2: TIMER_FIRED answers task 0"),
        ([START, TASK, DONE, DONE], "3: task 0 is answered twice"),
        ([START, START], "it starts 2 times"),
        ([START, END], "it is Running and its history ends 1 times"),
        ([TASK, START], "before its start come ['TASK_SCHEDULED']"),
        ([START, PAUSE, STEP], "2: ORCHESTRATOR_STARTED while it is suspended"),
    ],
)
def test_a_fault_of_a_running_instance_is_found(history: list[Event], fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(history, row(Status.RUNNING)))


def test_an_action_after_the_end_is_found() -> None:
    assert list(faults([START, END, TASK], row(Status.FAILED))) == ["after its end come ['TASK_SCHEDULED']"]


def test_events_of_earlier_generations_come_first() -> None:
    raised = [event(Code.EVENT_RAISED, "", Name="go", Input="2"), event(Code.EVENT_RAISED, "", Name="other", Input="3")]
    assert delivered([START, *raised], row(Status.RUNNING, '{"results": [{"go": 1}, "work"]}'), "go") == [1, 2]
