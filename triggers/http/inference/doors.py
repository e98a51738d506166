"""What the doors of runs, data checks, events, dead letters and operations do; `triggers.http.routes` opens them."""

from typing import Any

from triggers.events.event_grid import receive
from triggers.http import requests as asked
from triggers.http.door import Call
from triggers.http.idempotency import Starting
from triggers.http.inference import data_checks as checks
from triggers.http.inference import explanations, job_logs, repeats, runs
from triggers.http.inference import requested_runs as inferences
from triggers.http.operations import dead_letters
from triggers.http.operations import status_urls as operations
from triggers.http.problems import Problem
from triggers.http.responses import work as answers

_MOST_EVENTS = 100


async def list_runs(call: Call, query: asked.RunFilters) -> answers.RunPage:
    return await runs.list_runs(call.clients, query)


async def start_inference(call: Call, body: asked.InferenceAsked) -> Starting:
    return await inferences.ask(call, body)


async def show_run(call: Call, run: str) -> answers.RunShown:
    return await runs.show_run(call.client, call.clients, run)


async def show_run_log(call: Call, run: str, query: asked.LogWanted) -> answers.JobLog:
    """The end of what the job of a run has logged: the file that says most of an error, or the one that is named."""
    return await job_logs.show(call.clients, run, query)


async def explain_anything(call: Call, name: str) -> answers.Explained:
    """Each unmet condition of a run, a training or a promotion, and who can meet it."""
    return await explanations.explain(call, name)


async def cancel_run(call: Call, run: str, body: asked.Order) -> answers.Ordered:
    return await runs.order(call, run, "cancel", body.reason)


async def release_run(call: Call, run: str, body: asked.Order) -> answers.Ordered:
    return await runs.order(call, run, "release", body.reason)


async def reprocess_run(call: Call, run: str, body: asked.Repetition) -> Starting:
    """Score the pinned files of a run again, by today's configuration unless `as_it_was`; `note` says which."""
    return await repeats.repeat(call, run, body)


async def start_data_check(call: Call, body: asked.DataCheckAsked) -> Starting:
    return await checks.ask(call, body)


async def show_data_check(call: Call, check: str) -> answers.DataReport:
    return await checks.show(call, check)


async def show_operation(call: Call, operation: str) -> answers.Operation:
    return await operations.show(call, operation)


async def receive_events(call: Call, body: Any) -> answers.Delivered:
    """Events as they are on the wire, one or an array: for replayed dead letters and for sources without Event Grid."""
    events = body if isinstance(body, list) else [body]
    if len(events) > _MOST_EVENTS:
        raise Problem(413, "too many events", f"the body has {len(events)} events; send at most {_MOST_EVENTS} at once")
    return answers.Delivered(events=tuple([await receive(call.client, call.clients, event) for event in events]))


async def list_dead_letters(call: Call, query: asked.LetterFilters) -> answers.LetterPage:
    return await dead_letters.list_letters(call.clients, query)


async def show_dead_letter(call: Call, query: asked.LetterNamed) -> answers.LetterShown:
    return await dead_letters.show(call.clients, query.path)


async def replay_dead_letter(call: Call, body: asked.Replay) -> answers.Replayed:
    return await dead_letters.replay(call.client, call.clients, body.path, body.dry_run)
