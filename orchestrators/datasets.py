"""Publish one version of a data set: staged, checked, promoted, registered; each of them once, whatever is repeated."""

from dataclasses import replace
from functools import partial

from orchestrators.waiting import call_through_outages
from orchestrators.workflow import carry_to_end, conclude_orphan
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Refused
from shared.durable.context import Context, Steps, call
from shared.durable.failures import StepFailed


def publish_dataset(ctx: Context, request: c.DatasetPublication) -> Steps[c.PublicationResult]:
    """The files of a folder become a version, or one sentence says why they do not, and nothing is left of them."""
    ctx.show("opening", dataset=f"{request.rules.name}@{request.version}")
    opening = c.DatasetOpening(key=_key(request, "opened"), execution=ctx.unique(), request=request)
    opened = yield from call(ctx, c.OPEN_PUBLICATION, opening)
    if opened.already:
        return _result(request, c.PublicationOutcome.DUPLICATE, opened.because)
    failed_result = partial(_result, request, c.PublicationOutcome.FAILED)
    conclude, clean_up = partial(_conclude, ctx, request), partial(_discard_failed, ctx, request)
    return (yield from carry_to_end(_carry(ctx, request), failed_result, conclude, clean_up))


def conclude_publication(ctx: Context, orphan: c.OrphanedPublication) -> Steps[c.Done]:
    """End a publication whose orchestration was ended from outside.

    A version that it has made is logged and registered: each step finds what was done under its key. Of anything else
    nothing is left.
    """
    request, result = orphan.request, orphan.result
    conclude = partial(_conclude, ctx, request)
    if result is None:
        failed_result = partial(_result, request, c.PublicationOutcome.FAILED)
        yield from carry_to_end(_carry(ctx, request), failed_result, conclude)
    else:
        yield from conclude_orphan(_discard_failed(ctx, request, result), None, conclude, result)
    return c.Done()


def reconcile_datasets(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping publications")
    return (yield from call(ctx, c.SWEEP_PUBLICATIONS, sweep))


def _carry(ctx: Context, request: c.DatasetPublication) -> Steps[c.PublicationResult]:
    ctx.show("staging the files")
    staged = yield from call_through_outages(ctx, c.STAGE_DATASET, _step(request, "staged"))
    ctx.show("checking the files", files=staged.files, bytes=staged.bytes)
    checked = yield from call_through_outages(ctx, c.CHECK_DATASET, _step(request, "checked"))
    if checked.problems:
        yield from _discard(ctx, request)
        return _result(request, c.PublicationOutcome.BAD_DATA, "; ".join(checked.problems)[:2000])
    ctx.show("promoting", rows=checked.rows)
    promoted = yield from call_through_outages(ctx, c.PROMOTE_DATASET, _step(request, "promoted"))
    if promoted.outcome is not c.PublicationOutcome.PUBLISHED:
        yield from _discard(ctx, request)
    result = replace(_result(request, promoted.outcome, promoted.because), rows=checked.rows)
    if promoted.outcome is c.PublicationOutcome.CONFLICT:
        return result
    return (yield from _registered(ctx, request, promoted.folder, result))


def _registered(
    ctx: Context, request: c.DatasetPublication, folder: str, result: c.PublicationResult
) -> Steps[c.PublicationResult]:
    """The version as a data asset of each workspace; it is published already, and a refusal takes nothing back."""
    registered, unregistered = list[str](), list[str]()
    for workspace in request.rules.workspaces:
        ctx.show("registering", environment=workspace.name)
        key = _key(request, f"registered-{workspace.name}")
        registration = c.DatasetRegistration(key=key, request=request, workspace=workspace.name, folder=folder)
        try:
            yield from call_through_outages(ctx, c.REGISTER_DATASET, registration)
            registered.append(workspace.name)
        except (Refused, StepFailed) as failure:
            unregistered.append(f"{workspace.name}: {failure}"[:500])
    return replace(result, registered=tuple(registered), unregistered=tuple(unregistered))


def _discard(ctx: Context, request: c.DatasetPublication) -> Steps[None]:
    yield from call_through_outages(ctx, c.DISCARD_DATASET, _step(request, "discarded"))


def _discard_failed(ctx: Context, request: c.DatasetPublication, result: c.PublicationResult) -> Steps[None]:
    """Remove what was staged for a publication that failed. Files that cannot be removed change no result."""
    try:
        yield from _discard(ctx, request)
    except (Refused, StepFailed) as failure:
        ctx.show("could not discard", because=str(failure)[:300], failed=result.because[:300])


def _conclude(ctx: Context, request: c.DatasetPublication, result: c.PublicationResult) -> Steps[c.PublicationResult]:
    closing = c.DatasetClosing(key=_key(request, "closed"), request=request, result=result)
    yield from call_through_outages(ctx, c.CLOSE_PUBLICATION, closing)
    ctx.show("done", outcome=result.outcome.value, because=result.because[:300])
    return result


def _step(request: c.DatasetPublication, name: str) -> c.DatasetStep:
    return c.DatasetStep(key=_key(request, name), request=request)


def _key(request: c.DatasetPublication, step: str) -> str:
    return identity.publication_key(request.id, step)


def _result(request: c.DatasetPublication, outcome: c.PublicationOutcome, because: str) -> c.PublicationResult:
    name, version = request.rules.name, request.version
    return c.PublicationResult(id=request.id, name=name, version=version, outcome=outcome, because=because)
