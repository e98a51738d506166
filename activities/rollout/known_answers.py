"""Whether a deployment answers its golden requests as its version did when they were recorded.

It stands alone because the rehearsals of promotions and those on demand both ask.
"""

from activities.golden_requests import api_test, golden_requests
from activities.promotion.evidence import Online
from shared.application.promotion.planning import place_shelves
from shared.clients import Clients
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import DIGEST, exact_model


def answer_problem(clients: Clients, place: Workspace, endpoint: str, deployment: str, model: str) -> str:
    """Why *deployment* does not answer as *model* (`name:version`) did; empty where it does.

    The golden requests are those of the bundle that *place* has registered: a version without one cannot be tried.
    """
    registered = clients.models.find(place, exact_model(model)) if model else None
    digest = registered.tags.get(DIGEST, "") if registered else ""
    if not digest:
        return f"{model or deployment} has no bundle in {place.name}: it has no golden requests to answer"
    _, extras = place_shelves(place, exact_model(model), digest)
    golden = list(golden_requests(clients.bundles, extras, exact_model(model)))
    online = Online(clients, place, endpoint)
    answers = [online.ask(deployment, request) for request, _ in golden]
    test = api_test([answer for _, answer in golden], answers)
    deviating = test.golden.deviating if test.golden else 0
    return f"{deviating} of {len(golden)} golden requests of {model} deviate" if deviating else ""
