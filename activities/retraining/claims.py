"""Give open causes to one run, and say which champion it will have to beat."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from shared import contracts as c
from shared.application.promotion.planning import champion_at
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.models import PROMOTION, exact_model
from shared.domain.promotion.people import Askers
from shared.domain.promotion.plans import Champion
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.decision import PastRun
from shared.domain.retraining.rules import Retraining
from shared.records import paths
from shared.records.promotion import find_promotion
from shared.records.retraining import (
    Book,
    OpenCause,
    RetrainingClaim,
    claimed_run,
    read_book,
    read_causes,
    settle,
    write_book,
)

DATA = "data"  # In a cause's facts: a place in the hub that somebody wants to be trained on.


def claim(clients: Clients, key: str, rules: Retraining, causes: list[OpenCause], because: str) -> c.RetrainingRun:
    """The run that *causes* belong to from now on. Writing the book is what claims them; all else can be repeated."""
    store = clients.store
    cause_records = read_causes(store, causes)
    run = c.RetrainingRun(
        run=identity.retraining_id(rules.model, [cause.id for cause in cause_records]),
        rules=rules,
        hub=clients.configuration.hub,
        causes=len(cause_records),
        because=_summary(cause_records, because),
        data=tuple(sorted({cause.facts[DATA] for cause in cause_records if cause.facts.get(DATA)})),
        champion=champion_of(clients, rules).model,
        asked_by=people_of(cause_records).persons,
        named=people_of(cause_records).named,
        nameless=people_of(cause_records).nameless,
    )
    store.create(
        paths.retraining_part(run.run, "claim.json"), RetrainingClaim(request=run, causes=tuple(cause_records))
    )
    stored_book = read_book(store, rules.model)
    book = Book() if stored_book is None else stored_book.record
    if not book.running:
        past = PastRun(run=run.run, started=clients.clock.now(), cost=rules.estimate)
        claims = {**book.claims, key: run.run}
        after = replace(book, running=run.run, runs=(*book.runs, past), claims=claims)
        write_book(store, rules.model, after, stored_book)
    # Two considerations may weigh at once. The book's eTag lets one of them claim; the other one starts nothing.
    elif book.running != run.run:
        raise Refused(f"{book.running} was started for {rules.model} meanwhile")
    settle(store, causes, run.run)
    return claimed_run(store, run.run)


def people_of(causes: Iterable[Cause]) -> Askers:
    """Who asked for them; of a person's cause that an earlier release has recorded only the name is known."""
    all_causes = list(causes)
    persons = dict.fromkeys(cause.person for cause in all_causes if cause.person is not None)
    by_hand = (cause for cause in all_causes if cause.kind is CauseKind.PERSON and cause.person is None)
    names = dict.fromkeys(cause.who for cause in by_hand if cause.who)
    return Askers(persons=tuple(persons), named=tuple(names), nameless=any(cause.nameless for cause in all_causes))


def stage_of(clients: Clients, rules: Retraining) -> Stage | None:
    """The stage whose champion a challenger must beat, None where it is promoted nowhere."""
    stages = clients.configuration.ladder.stages
    return next((stage for stage in stages if stage.name == rules.promote_to), None)


def champion_of(clients: Clients, rules: Retraining) -> Champion:
    """What serves now where a better challenger would serve."""
    stage = stage_of(clients, rules)
    return Champion() if stage is None else champion_at(clients.endpoints, stage)


def champion_since(clients: Clients, rules: Retraining) -> datetime | None:
    """When the champion's promotion was closed, None where no promotion of ours brought it."""
    stage = stage_of(clients, rules)
    if not rules.limits.champion_age_s or stage is None or stage.environment is None:
        return None
    champion = champion_at(clients.endpoints, stage)
    try:
        model = clients.models.find(stage.environment, exact_model(champion.model.rpartition("/")[2]))
    except Refused:  # Deployed by hand, from something that is no registered version.
        return None
    promotion = model.tags.get(PROMOTION, "") if model else ""
    record = find_promotion(clients.store, promotion) if promotion else None
    return datetime.fromisoformat(record.closed) if record and record.closed else None


def _summary(causes: list[Cause], because: str) -> str:
    """The first few, each with its reason; the claim lists all of them."""
    reasons = [f"{cause.kind.value}: {cause.because}" for cause in causes[:5]]
    remainder = [f"and {len(causes) - 5} more"] if len(causes) > 5 else []
    return "; ".join([because, *reasons, *remainder])[:1000]
