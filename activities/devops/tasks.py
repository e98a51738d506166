"""Begin what a waiting task asks for, tell it what happens, and release it: each once, whatever dies in between.

The task's token is recalled where it is used and dropped when the task is released; a living one must open the plan
before anything is started. Once its 48 hours are over, the app's own identity speaks.
"""

import asyncio
import json
import logging

from activities.devops.claims import claim_task
from activities.devops.hints import start_mirror, wait_for_run
from activities.devops.starts import begin
from activities.effects import once, stamp
from shared import contracts as c
from shared.application.devops.open_instances import close, keep_open
from shared.application.progress import State, progress_of
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.devops.tasks import TaskRef
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Person
from shared.durable.starting import Client, Instance, find_instance
from shared.records.devops import TaskFeed, TaskLink, task_feed
from shared.records.devops import paths as devops_paths

_log = logging.getLogger(__name__)


async def begin_task(client: Client, clients: Clients, beginning: c.TaskBeginning) -> c.TaskBegun:
    """Refused where Azure DevOps does not confirm, to the task's own token, that the task waits in its plan."""
    done = await asyncio.to_thread(clients.ledger.find, beginning.key)
    if done is None:
        start = await _begin(client, clients, beginning)
        done = await asyncio.to_thread(clients.ledger.record, beginning.key, encode(start))
    start = decode(c.TaskBegun, done)
    # The list of open tasks is written even if the start was recorded before: a crash in between would leave a task
    # that no sweep finds.
    following = c.TaskFollowing(task=beginning.task, order=beginning.order, begun=start)
    await asyncio.to_thread(
        keep_open, clients.store, clients.clock.now(), c.FOLLOW_TASK, _name(beginning.task), following
    )
    return start


async def report_task(client: Client, clients: Clients, report: c.TaskReport) -> c.TaskProgress:
    """Tell the task what it has not been told, and say whether it can be released."""
    start = report.begun
    if start.follows is c.Followed.NOTHING:
        return c.TaskProgress(ended=True, succeeded=not start.failed, because=start.failed or start.because)
    instance = await find_instance(client, start.id)
    return await asyncio.to_thread(_report, clients, report, instance)


def complete_task(clients: Clients, completion: c.TaskCompletion) -> c.Done:
    """The log, then the one event that releases the task; a task that is released already is left alone."""
    task = completion.task

    def act() -> c.Done:
        token, feed = _token(clients, task), task_feed(clients.store, _name(task))
        end = "succeeded" if completion.succeeded else "failed"
        lines = [*feed.lines, f"{end}: {completion.because}"]
        # Each of the calls is an effect of its own: a repeat after a crash does not write the log twice. The release
        # comes last: nothing follows the task after it.
        once(clients, f"{completion.key}-said", c.Done, lambda: _say(clients, task, token, lines[-1:]))
        once(clients, f"{completion.key}-log", c.Done, lambda: _keep_log(clients, task, token, lines))
        if clients.server_tasks.state(task, token) != "completed":
            clients.server_tasks.complete(task, token, completion.version, completion.succeeded)
        return c.Done(at=stamp(clients))

    done = once(clients, completion.key, c.Done, act)
    _forget(clients, task)
    return done


async def _begin(client: Client, clients: Clients, beginning: c.TaskBeginning) -> c.TaskBegun:
    task = beginning.task
    try:
        plan = await asyncio.to_thread(_confirm, clients, task)
        await asyncio.to_thread(claim_task, clients, task, beginning.order, _token(clients, task))
    except Refused:
        await asyncio.to_thread(clients.secrets.drop, _name(task))
        raise
    try:
        asker = await asyncio.to_thread(_asker, clients, task, plan)
        start = await begin(client, clients, beginning.key, beginning.order, asker)
    except Refused as refusal:
        return c.TaskBegun(version=plan.version, failed=str(refusal))
    if plan.run and start.id:
        await asyncio.to_thread(_link, clients, task, plan.run, start.id)
        await start_mirror(client, clients, start.id)
    return c.TaskBegun(
        version=plan.version, follows=start.follows, id=start.id, failed=start.failed, because=start.because
    )


def _confirm(clients: Clients, task: TaskRef) -> c.PlanSeen:
    """The plan in which the task waits, as its own token shows it."""
    token = clients.secrets.recall(_name(task), clients.clock.now())
    if not token:
        raise Refused(f"the token of task {task.task} is not there any more: the pipeline must call again")
    plan = clients.server_tasks.plan(task, token)
    state = clients.server_tasks.state(task, token)
    if state in ("", "completed"):
        raise Refused(f"task {task.task} does not wait in plan {task.plan} (it is {state or 'not there'})")
    return plan


def _asker(clients: Clients, task: TaskRef, plan: c.PlanSeen) -> Person:
    """Who asked for the plan's run: a name alone where it was no person of the directory."""
    person = clients.devops_facts.person(task.organisation, plan.requester) if plan.requester else None
    return person or Person(oid="", name=f"requester unknown (run {plan.run or 'unknown'} of {task.organisation})")


def _link(clients: Clients, task: TaskRef, run: int, instance: str) -> None:
    """So that an approval beside the task is known to be one of what it started."""
    stage = _stage(clients, task, run)
    link = TaskLink(organisation=task.organisation, project=task.project, run=run, started=instance, stage=stage)
    clients.store.create(devops_paths.link(instance, run, task.task), link)
    wait_for_run(clients, task.organisation, run, instance)


def _stage(clients: Clients, task: TaskRef, run: int) -> str:
    """The id of the pipeline's stage that waits; empty where it cannot be found, and then no approval counts by it."""
    try:
        return clients.server_tasks.stage(task, _token(clients, task), run).id
    except Refused as refusal:
        _log.warning("the stage of task %s is not known: %s", task.task, refusal)
        return ""


def _report(clients: Clients, report: c.TaskReport, instance: Instance | None) -> c.TaskProgress:
    task, start = report.task, report.begun
    token = _token(clients, task)
    progress = progress_of(clients.store, start.id)
    _tell(clients, task, token, [] if progress is None else list(progress.steps), instance)
    if clients.server_tasks.state(task, token) == "completed":
        _forget(clients, task)
        return c.TaskProgress(ended=True, because="the pipeline does not wait any more", gone=True)
    if progress is not None and progress.state is not State.PENDING:
        return c.TaskProgress(ended=True, succeeded=progress.state is State.SUCCEEDED, because=progress.because)
    if start.follows is c.Followed.INSTANCE and instance is not None and not instance.running:
        because = str(instance.custom_status.get("because") or f"it is {instance.status}")
        # A rollback that found nothing to go back to has completed, and says that it is not done.
        is_done = instance.status == "Completed" and bool(instance.custom_status.get("done", True))
        return c.TaskProgress(ended=True, succeeded=is_done, because=because)
    return c.TaskProgress()


def _tell(clients: Clients, task: TaskRef, token: str, steps: list[tuple[str, str]], instance: Instance | None) -> None:
    """What is new since the last time; a crash between the two may tell it twice, never keep it back."""
    feed, now = task_feed(clients.store, _name(task)), _shown(instance)
    fresh = [line for name, line in steps if name not in feed.steps]
    if now and now != feed.shown:
        fresh.append(f"{clients.clock.now():%H:%M:%S} {now}")
    if fresh:
        # The log is written before the record. The other order would lose lines in a crash, and a line twice does less
        # harm.
        clients.server_tasks.say(task, token, fresh)
        after = TaskFeed(steps=tuple(name for name, _ in steps), shown=now, lines=(*feed.lines, *fresh))
        clients.store.overwrite(devops_paths.told(_name(task)), after)


def _shown(instance: Instance | None) -> str:
    if instance is None or not instance.step:
        return ""
    facts = {name: value for name, value in instance.custom_status.items() if name != "step"}
    return f"{instance.step} {json.dumps(facts)[:700]}" if facts else instance.step


def _forget(clients: Clients, task: TaskRef) -> None:
    """Nothing is left to be said to it."""
    clients.secrets.drop(_name(task))
    close(clients.store, _name(task))


def _say(clients: Clients, task: TaskRef, token: str, lines: list[str]) -> c.Done:
    clients.server_tasks.say(task, token, lines)
    return c.Done(at=stamp(clients))


def _keep_log(clients: Clients, task: TaskRef, token: str, lines: list[str]) -> c.Done:
    clients.server_tasks.keep_log(task, token, lines)
    return c.Done(at=stamp(clients))


def _token(clients: Clients, task: TaskRef) -> str:
    """Empty once its time is over: then the app's own identity speaks."""
    return clients.secrets.recall(_name(task), clients.clock.now())


def _name(task: TaskRef) -> str:
    return identity.task_id(task.plan, task.job, task.task, task.call)
