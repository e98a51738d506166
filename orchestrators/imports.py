"""Import files of a source: fetched, then landed where a route takes them; each of them once, whatever is repeated."""

from functools import partial

from orchestrators.waiting import call_through_outages
from orchestrators.workflow import carry_to_end
from shared import contracts as c
from shared.domain import identity
from shared.durable.context import Context, Steps, call


def import_source(ctx: Context, request: c.SourceImport) -> Steps[c.ImportResult]:
    """The files land, or one sentence says why they do not. What they start is no part of it."""
    ctx.show("opening", source=request.source)
    opening = c.ImportOpening(key=_key(request, "opened"), execution=ctx.unique(), request=request)
    opened = yield from call(ctx, c.OPEN_IMPORT, opening)
    if opened.already:
        return _result(request, c.ImportOutcome.DUPLICATE, opened.because)
    failed_result = partial(_result, request, c.ImportOutcome.FAILED)
    return (yield from carry_to_end(_carry(ctx, request), failed_result, partial(_conclude, ctx, request)))


def _carry(ctx: Context, request: c.SourceImport) -> Steps[c.ImportResult]:
    ctx.show("fetching", source=request.source)
    # A source that stays away fails the import: somebody waits for it, and may ask again.
    source = yield from call(ctx, c.FETCH_SOURCE, c.ImportStep(key=_key(request, "fetched"), request=request))
    ctx.show("landing", files=source.files, bytes=source.bytes)
    step = c.ImportStep(key=_key(request, "landed"), request=request)
    landed = yield from call_through_outages(ctx, c.LAND_FILES, step)
    return c.ImportResult(id=request.id, route=request.route, outcome=c.ImportOutcome.IMPORTED, files=landed.files)


def _conclude(ctx: Context, request: c.SourceImport, result: c.ImportResult) -> Steps[c.ImportResult]:
    closing = c.ImportClosing(key=_key(request, "closed"), request=request, result=result)
    yield from call_through_outages(ctx, c.CLOSE_IMPORT, closing)
    ctx.show("done", outcome=result.outcome.value, because=result.because[:300])
    return result


def _key(request: c.SourceImport, step: str) -> str:
    return identity.import_key(request.id, step)


def _result(request: c.SourceImport, outcome: c.ImportOutcome, because: str) -> c.ImportResult:
    return c.ImportResult(id=request.id, route=request.route, outcome=outcome, because=because)
