"""What is otherwise where Microsoft's worker library calls the functions: each row is the name of a test that shows it.

A case of the suite fails there, and must (`conftest.py`). A test of `tests/host/test_library_worker.py` passes, where
no case of the suite can tell the two apart. `tests/conformance/table.py` writes the rows into `docs/host.md`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """What the host's own workers do, and what the library does."""

    subject: str
    in_own: str
    in_library: str


_ENDED = "the worker process ends; the activity is tried once more, and then fails with the worker's exit status"

DIFFERENCES = {
    "test_an_orchestrator_catches_how_an_activity_ended[exit]": Difference(
        "`sys.exit` in an activity", "the activity fails with `SystemExit`", _ENDED
    ),
    "test_an_orchestrator_catches_how_an_activity_ended[interrupt]": Difference(
        "`KeyboardInterrupt` in an activity", "the activity fails with `KeyboardInterrupt`", _ENDED
    ),
    "test_an_orchestration_fails_with_the_reason[exit]": Difference(
        "`sys.exit` in an orchestrator",
        "the orchestration fails with `SystemExit`",
        "the worker process ends; the orchestration fails after the third end with the exit status",
    ),
    "test_what_no_error_may_be_leaves_a_call_without_answer": Difference(
        "`GeneratorExit` or a cancellation of itself in a function",
        "the call fails at once",
        "the library never answers; the call fails when `functionTimeout` has passed, and its worker is replaced",
    ),
    "test_a_wrong_return_annotation_stops_the_start": Difference(
        "a return annotation of an HTTP function that is neither `str` nor `func.HttpResponse`",
        "the annotation is not looked at",
        "the app is refused at start: annotate what is returned, or nothing",
    ),
    "test_comments_in_host_json_stop_a_durable_app": Difference(
        "comments in `host.json` of an app with Durable Functions",
        "they are read over",
        "the app is refused at start: the Durable SDK reads the file itself, as strict JSON, in its working directory",
    ),
    "test_the_error_before_a_retry_has_another_name": Difference(
        "the error of the call before a retry",
        "`context.retry_context.exception`, as the SDK documents it",
        "`context.retry_context.rpc_exception`",
    ),
    "test_each_step_replays_the_whole_history": Difference(
        "an orchestrator that waits",
        "it stays in memory and goes on, unless `extendedSessionsEnabled` is off",
        "each step replays the whole history, as on Azure",
    ),
}
