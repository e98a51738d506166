"""Act on a hint of a service hook, after reading the truth again; and run pipelines of Azure DevOps once each."""

import asyncio
import re
from dataclasses import replace

from activities.devops.starts import begin
from activities.effects import once, stamp
from shared import contracts as c
from shared.application.devops.open_instances import start_kept
from shared.clients import Clients
from shared.domain import identity
from shared.domain.devops.configuration import MergeStart
from shared.domain.devops.hooks import Hint, HintKind
from shared.domain.devops.orders import OrderKind, TaskOrder
from shared.domain.devops.seen import DevOpsRun, PipelineOrder, PullRequest
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Person
from shared.durable.starting import Client, wake
from shared.records.devops import RunWaiter
from shared.records.devops import paths as devops_paths

_VERSION = re.compile(r"^[^\S\n]*signalbox:[^\S\n]*(\S+)[^\S\n]*$", re.MULTILINE | re.IGNORECASE)  # Within one line.


async def heed_hint(client: Client, clients: Clients, hinting: c.Hinting) -> c.Heeded:
    """What came of it: a mirror woken, a run looked at again, or what a merge starts."""
    hint = hinting.hint
    if hint.kind is HintKind.PULL_REQUEST:
        return await _heed_merge(client, clients, hint)
    runs = [hint.id] if hint.kind is HintKind.RUN else await asyncio.to_thread(_runs_of, clients, hint.id)
    instances = [instance for run in runs for instance in await asyncio.to_thread(_started_by, clients, int(run))]
    for instance in instances:
        # Started first, unless it runs: `wake` reaches only what runs, and a mirror may have been ended from outside.
        await start_mirror(client, clients, instance)
        await wake(client, identity.mirror_id(instance), c.HINTED)
        await wake(client, instance, c.HINTED)
    return c.Heeded(did=", ".join(instances) or "nothing here waits for it")


async def start_mirror(client: Client, clients: Clients, promotion: str) -> None:
    """Where *promotion* is one, and approvals in Azure DevOps count."""
    if not clients.configuration.devops.approvals or not promotion.startswith("promotion-"):
        return
    mirroring = c.Mirroring(key=identity.told_key(promotion, "mirrored"), promotion=promotion)
    await start_kept(client, clients.store, clients.clock.now(), c.MIRROR, identity.mirror_id(promotion), mirroring)


def start_devops_run(clients: Clients, start: c.RunOfPipeline) -> DevOpsRun:
    """Found or created by the correlation parameter, whatever happened to an earlier answer."""
    run = once(clients, start.key, DevOpsRun, lambda: clients.devops_pipelines.start(_pipeline(start)))
    wait_for_run(clients, start.organisation, run.id, start.correlation)
    return run


def wait_for_run(clients: Clients, organisation: str, run: int, waiting: str) -> None:
    """From now on hints of the run are for *waiting* too."""
    clients.store.create(devops_paths.waiting_run(organisation, run, waiting), RunWaiter(started=waiting))


def look_at_devops_run(clients: Clients, look: c.DevOpsRunLook) -> DevOpsRun:
    return clients.devops_pipelines.look(look.organisation, look.project, look.pipeline, look.run)


def _pipeline(start: c.RunOfPipeline) -> PipelineOrder:
    return PipelineOrder(
        organisation=start.organisation,
        project=start.project,
        pipeline=start.pipeline,
        correlation=start.correlation,
        parameters=start.parameters,
    )


def _runs_of(clients: Clients, approval: str) -> list[str]:
    """The run that waits for *approval*, read again: a hook says neither its project nor its run."""
    devops = clients.configuration.devops
    places = {(rule.organisation, rule.project) for rule in devops.approvals}
    places |= {(organisation, project) for organisation in devops.organisations for project in devops.projects}
    approvals = [
        clients.devops_approvals.find(organisation, project, approval) for organisation, project in sorted(places)
    ]
    return [str(approval_seen.run) for approval_seen in approvals if approval_seen is not None and approval_seen.run]


def _started_by(clients: Clients, run: int) -> list[str]:
    """What waits for *run*, in any of our organisations."""
    names = list[str]()
    for organisation in clients.configuration.devops.organisations:
        folder = devops_paths.waiting_runs(organisation, run)
        names += [blob.path.removeprefix(folder).removesuffix(".json") for blob in clients.store.blobs(folder)]
    return names


async def _heed_merge(client: Client, clients: Clients, hint: Hint) -> c.Heeded:
    rules = [rule for rule in clients.configuration.devops.merges if rule.repository.lower() == hint.repository.lower()]
    did = []
    for rule in rules:
        read = (rule.organisation, rule.project, rule.repository, int(hint.id))
        pull = await asyncio.to_thread(clients.devops_facts.pull_request, *read)
        if pull is None or not pull.merged or pull.target != rule.branch:
            did.append(f"pull request {hint.id} is not merged into {rule.branch}")
        else:
            did.append(await _start_merged(client, clients, rule, pull))
    return c.Heeded(did="; ".join(did) or f"no rule for repository {hint.repository}")


async def _start_merged(client: Client, clients: Clients, rule: MergeStart, pull: PullRequest) -> str:
    key = identity.merge_key(rule.organisation, rule.project, rule.repository, pull.number)
    try:
        order = _order(rule, pull)
        author = await asyncio.to_thread(clients.devops_facts.person, rule.organisation, pull.author)
        asker = author or Person(oid="", name=f"requester unknown (pull request {pull.number} of {rule.repository})")
        if order.kind is OrderKind.PIPELINE:
            return await _run_pipeline(client, clients, order, key)
        begun = await begin(client, clients, key, order, asker)
    except Refused as refusal:
        await asyncio.to_thread(
            clients.ledger.record, f"{key}-refused", {"because": str(refusal), "at": stamp(clients)}
        )
        return f"refused: {refusal}"
    return begun.id or begun.because or begun.failed


async def _run_pipeline(client: Client, clients: Clients, order: TaskOrder, key: str) -> str:
    correlation = identity.pipeline_run_id(key)
    run = c.RunOfPipeline(
        key=f"{key}/run",
        organisation=order.organisation,
        project=order.project,
        pipeline=int(order.pipeline),
        correlation=correlation,
    )
    await start_kept(client, clients.store, clients.clock.now(), c.RUN_DEVOPS_PIPELINE, correlation, run)
    return correlation


def _order(rule: MergeStart, pull: PullRequest) -> TaskOrder:
    """A model without a version takes it from a line `signalbox: NAME:VERSION` of the description."""
    order = rule.order
    if order.kind is not OrderKind.PROMOTION or ":" in order.model:
        return order
    versions = [version for version in _VERSION.findall(pull.description) if version.startswith(f"{order.model}:")]
    if len(versions) != 1:
        line = f"`signalbox: {order.model}:VERSION`"
        raise Refused(f"pull request {pull.number} names {len(versions)} versions; write {line} on a line of its own")
    return replace(order, model=versions[0])
