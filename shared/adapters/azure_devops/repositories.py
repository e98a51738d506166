"""The repository of a team by Git's REST API: made, and given its first commit where it has none.

The first commit is one push of all files to a branch that is not there. Azure DevOps refuses a second one, since the
branch has moved; from then on the repository is the team's own, and nothing of ours is written to it.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from shared.adapters.azure_devops.client import DevOpsRest
from shared.domain.failures import Transient
from shared.domain.provisioning.set_up import WantedRepository
from shared.domain.provisioning.starting_project import StartingProject

_API = {"api-version": "7.1"}
_NOWHERE = "0" * 40  # The old id of a branch that is about to be made.
_PROJECT = Path(__file__).with_name("starting_project.json")


class Repositories:
    """*url* is where the project has its repositories."""

    def __init__(self, client: DevOpsRest, url: str) -> None:
        self._client, self._url = client, url

    def find(self, name: str) -> dict[str, Any] | None:
        return self._client.get(f"{self._url}/{name}", f"look for repository {name}", **_API)

    def has_branch(self, repository: str, branch: str) -> bool:
        """Whether the repository with the id has *branch*, a whole ref."""
        query = {**_API, "filter": branch.removeprefix("refs/")}
        refs = self._client.get(f"{self._url}/{repository}/refs", "look for the first commit", **query) or {}
        # The filter is of beginnings: `heads/main` finds `heads/maintenance` too.
        return any(ref.get("name") == branch for ref in refs.get("value", ()))

    def begin(self, repository: str, wanted: WantedRepository) -> bool:
        """Push the first commit; False where another has done so meanwhile."""
        answer = self._client.send(
            "POST",
            f"{self._url}/{repository}/pushes",
            f"push the first commit of {wanted.name}",
            accept=(201, 409),
            query=_API,
            json=_push(wanted),
        )
        if answer.status_code == 409 and not self.has_branch(repository, wanted.branch):
            raise Transient(f"Azure DevOps refused the first commit of {wanted.name}, and there is none")
        return answer.status_code == 201


def _push(wanted: WantedRepository) -> dict[str, Any]:
    files = starting_project().filled(wanted.name, wanted.organisation, wanted.owner)
    changes = [
        {
            "changeType": "add",
            "item": {"path": f"/{path}"},
            "newContent": {"content": text, "contentType": "rawtext"},
        }
        for path, text in files.items()
    ]
    comment = f"Begin from the template of Signalbox\n\n{wanted.mark}"
    return {
        "refUpdates": [{"name": wanted.branch, "oldObjectId": _NOWHERE}],
        "commits": [{"comment": comment, "changes": changes}],
    }


@cache
def starting_project() -> StartingProject:
    raw = json.loads(_PROJECT.read_text(encoding="utf-8"))
    return StartingProject(placeholders=raw["placeholders"], files=raw["files"])
