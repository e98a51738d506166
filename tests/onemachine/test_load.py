"""Many starts at once, with checks of Azure DevOps among them: none is refused, lost or done twice.

`make load` does it for a minute at 50 a second and looks at the times; here nothing is timed.
"""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from signalbox.launcher.people import sign_in
from tests.amounts import amount
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

STARTS, CHECKS, AT_ONCE = amount(24, 48), amount(4, 8), amount(12, 16)
FILE = "landing/load/patients.csv"


@pytest.mark.long
def test_of_many_starts_at_once_none_is_lost_and_checks_are_answered(world: World) -> None:
    world.land(FILE, 1)
    ends = world.cloud.endpoints
    headers = {"Authorization": f"Bearer {sign_in(ends, 'ada@example.org')}"}

    def start(_: int) -> str:
        asked = {"path": FILE, "route": "diabetes-each"}
        answer = requests.post(f"{ends.app}/api/v1/data-checks", json=asked, headers=headers, timeout=60)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def check(_: int) -> int:
        """As Azure DevOps calls for a task, of which it then knows nothing."""
        ids = {name: str(uuid.uuid4()) for name in ("PlanId", "JobId", "TimelineId", "TaskInstanceId", "ProjectId")}
        task = {**ids, "PlanUrl": f"{ends.azure_devops}/contoso/", "HubName": "checks", "AuthToken": "t"}
        url, asked = f"{ends.app}/api/v1/devops/checks?code={ends.devops_key}", {"follow": "nothing"}
        return requests.post(url, headers=task, json=asked, timeout=60).status_code

    def outcome(name: str) -> str:
        answer = requests.get(f"{ends.app}/api/v1/operations/{name}", headers=headers, timeout=60)
        return str(answer.json()["status"])

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        answered = [crowd.submit(check, number) for number in range(CHECKS)]
        names = list(crowd.map(start, range(STARTS)))
        assert {each.result() for each in answered} == {200}
        world.eventually(lambda: set(crowd.map(outcome, names)) == {"succeeded"})

    assert len(set(names)) == STARTS
    assert Counter(world.read(f"signalbox/checks/{name}/report.json")["outcome"] for name in names).total() == STARTS
    effects = world.control("/_effects")
    assert {effects["writes"][f"signalbox/checks/{name}/report.json"] for name in names} == {1}
