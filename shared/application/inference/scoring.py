"""What scores the files of a route: the deployment that a pin names, or the endpoint's default when a run asks.

Whether that version may score at all is asked here too. Which job it becomes is in `activities.inference.jobs`.
"""

from dataclasses import replace

from shared.domain.failures import Refused
from shared.domain.inference.routes import Route, Scoring
from shared.domain.promotion.models import EntryState, ModelVersion
from shared.ports import EndpointKind, Endpoints, EndpointSeen
from shared.records.registry import newest_state
from shared.records.statements import Statements

WITHDRAWN = (EntryState.RETIRED, EntryState.REVOKED)


def current_scoring(endpoints: Endpoints, scoring: Scoring) -> Scoring:
    """*scoring* with the deployment and the version that score now. Raises Refused where the endpoint names none.

    A pin is given back as it is: nothing is asked for it.
    """
    if not scoring.is_open:
        return scoring
    workspace, name, kind = scoring.workspace, scoring.endpoint, kind_of(scoring)
    place = f"{'online' if scoring.online else 'batch'} endpoint {name}"
    endpoint = endpoints.find(workspace, kind, name)
    if endpoint is None:
        raise Refused(f"{place} is not in {workspace.name}; deploy it there")
    default = _most_traffic(endpoint) if scoring.online else endpoint.default
    if not default:
        raise Refused(f"{place} in {workspace.name} has no default deployment; promote a version there")
    deployment = endpoints.deployment(workspace, kind, name, default)
    address = f"deployment {default}, the default of {name} in {workspace.name},"
    if deployment is None:
        raise Refused(f"{address} is not there; deploy it again, or choose another default")
    model = ModelVersion.of_asset(deployment.model)
    if model is None or model.name != scoring.model:
        raise Refused(f"{address} serves {model or 'no registered model'}, and the route scores with {scoring.model}")
    return replace(scoring, deployment=default, version=model.version)


def kind_of(scoring: Scoring) -> EndpointKind:
    return EndpointKind.ONLINE if scoring.online else EndpointKind.BATCH


def _most_traffic(endpoint: EndpointSeen) -> str:
    """The deployment with the largest share, of equal ones the first by name; empty where none has any."""
    shares = endpoint.shares
    return max(sorted(shares), key=lambda deployment: shares[deployment], default="")


def current_contract(endpoints: Endpoints, route: Route) -> str:
    """The data contract that *route* checks its files against now. Raises Refused as `current_scoring`.

    Nobody is asked where no version has a contract of its own.
    """
    return route.scored_by(current_scoring(endpoints, route.score)).contract if route.contracts else route.contract


def withdrawn_state(statements: Statements, scoring: Scoring) -> EntryState | None:
    """RETIRED or REVOKED where the version that scores was withdrawn by a signed statement; None where it was not."""
    state = newest_state(statements, ModelVersion(name=scoring.model, version=scoring.version))
    return next((withdrawn for withdrawn in WITHDRAWN if withdrawn.value == state), None)


def refuse_revoked_scoring(statements: Statements, scoring: Scoring) -> None:
    """Raises Refused for a version that was revoked. One that is retired may still score where a route pins it."""
    if withdrawn_state(statements, scoring) is EntryState.REVOKED:
        remedy = "promote another" if scoring.follows else "let the route follow its endpoint, or pin another version"
        raise Refused(f"{scoring.scored_model} was revoked, so nothing is scored with it: {remedy}")
