"""The state container's JSON is read and written in one place, `shared.records.store`; exceptions may only shrink."""

import ast
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

PROJECT = Path(__file__).parents[2]
APP = [
    path
    for folder in ("activities", "orchestrators", "shared", "triggers")
    for path in sorted((PROJECT / folder).rglob("*.py"))
    if not path.is_relative_to(PROJECT / "shared" / "records")
    and not path.is_relative_to(PROJECT / "shared" / "adapters")
]
METHODS = {"list", "page", "look_into", "find", "read", "create", "replace", "append", "delete"}

# JSON that is no record: it comes from outside, and is checked where it comes in.
PARSED_ELSEWHERE = {
    "activities/bundle_check.py": 1,  # What a script on this machine has answered.
    "activities/golden_requests.py": 1,  # What an endpoint answers.
    "activities/online_rows.py": 1,  # What an endpoint answers.
    "shared/application/callers.py": 1,  # The platform's sign-in header.
    "shared/application/promotion/planning.py": 1,  # The golden requests in a bundle.
    "shared/config/contracts.py": 1,  # A profile beside a data contract.
    "shared/domain/retraining/boxes.py": 1,  # A line of training data.
    "shared/domain/trust/tree_heads.py": 1,  # What the log's key has signed, also as it was published.
    "triggers/events/event_binding.py": 1,  # An event as the host hands it over.
    "triggers/http/exchange/bodies.py": 1,  # The body of a request.
    "triggers/http/letters/dead_letters.py": 1,  # A letter, which is shown whatever it is.
    "triggers/http/exchange/pages.py": 1,  # A cursor.
}
# They ask whether the container is there, and whether the app may write to it.
PROBES = {"shared/operations/doctor/checks/containers.py": 3}


def parses_json(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ("json.loads", "json.load")


def touches_state(call: ast.Call) -> bool:
    """A call of a hub's method on the state container, by itself or in a thread."""
    for method, container in hub_calls(call):
        owner = ast.unparse(method.value)
        named = ast.unparse(container)
        if method.attr in METHODS and owner.split(".")[-1] == "hub" and named.split(".")[-1] == "state":
            return True
    return False


def hub_calls(call: ast.Call) -> Iterator[tuple[ast.Attribute, ast.expr]]:
    """Each method that may be called, with its first argument: `hub.read(state, ...)`, `to_thread(hub.read, state)`."""
    for method, container in pairwise([call.func, *call.args]):
        if isinstance(method, ast.Attribute):
            yield method, container


def counted(matches: Callable[[ast.Call], bool]) -> dict[str, int]:
    """How many calls of each module match, for those that have any."""
    counts = dict[str, int]()
    for path in APP:
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        if number := sum(map(matches, calls)):
            counts[str(path.relative_to(PROJECT))] = number
    return counts


def test_nothing_but_the_store_parses_a_record() -> None:
    assert counted(parses_json) == PARSED_ELSEWHERE


def test_nothing_but_the_store_reads_or_writes_the_state_container() -> None:
    assert counted(touches_state) == PROBES
