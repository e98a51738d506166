"""Two versions of a model over HTTP, side by side: what was measured of each, and where each comes from.

It stands alone: it reads what promotions have left, and belongs to none.
"""

from dataclasses import dataclass

from shared.application.lists import RowFilter, matching, rows_in_scope
from shared.application.trust.measured_versions import VersionEvidence, evidence_of
from shared.domain.promotion.models import exact_model
from shared.records.lists.rows import PROMOTIONS
from shared.validation.rules import Name
from triggers.http.api_route import ApiRequest
from triggers.http.operations.models import configured_model

_MOST = 10  # Promotions of one version that are read: the newest of them have its figures.


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPair:
    """Two versions of the model, such as 12 and 13."""

    first: Name
    second: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsCompared:
    """*same_rows*: both were measured on one hold-out, so that their values may be compared at all."""

    first: VersionEvidence
    second: VersionEvidence
    same_rows: bool


def compare_versions(request: ApiRequest, model: str, query: VersionPair) -> VersionsCompared:
    """What was measured of two versions of *model* when they were promoted, their lineage and their files."""
    configured_model(request.clients, model)
    first, second = (_evidence(request, model, version) for version in (query.first, query.second))
    is_comparable = bool(first.holdout) and first.holdout == second.holdout
    return VersionsCompared(first=first, second=second, same_rows=is_comparable)


def _evidence(request: ApiRequest, name: str, version: str) -> VersionEvidence:
    clients, model = request.clients, exact_model(f"{name}:{version}")
    rows = rows_in_scope(PROMOTIONS, clients.lists.rows(PROMOTIONS), clients.configuration, request.scope)
    entries = matching(PROMOTIONS, rows, RowFilter(equal={"model": name, "version": version}))
    promotions = [entry[-1] for entry in entries[:_MOST]]
    return evidence_of(clients.statements, clients.ledger, str(model), promotions)
