"""What a team's repository begins with: the rendered template, with the team's words instead of placeholders. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

BASE = ".copier-base.json"  # By which `signalbox update` tells what people have changed.
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 20  # As for `signalbox new`: endpoints have at most 32 characters, and the template adds a word.
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingProject:
    """*placeholders* are the words that stand for `name`, `identifier` (with underscores), `devops` and `owner`."""

    placeholders: Mapping[str, str]
    files: Mapping[str, str]

    def filled(self, name: str, devops: str, owner: str) -> dict[str, str]:
        """The texts by path, as `signalbox new` would have written them.

        An *owner* who is no address, as the template wants one, is the team's name at no domain that anybody has.
        """
        address = owner if _ADDRESS.fullmatch(owner) else f"{name}@example.org"
        values = {"name": name, "identifier": name.replace("-", "_"), "devops": devops, "owner": address}
        files = {path: self._replaced(text, values) for path, text in sorted(self.files.items())}
        return {**files, BASE: json.dumps(files, indent=1) + "\n"}

    def _replaced(self, text: str, values: Mapping[str, str]) -> str:
        """In one pass, so that a team's word that has a placeholder in it is not replaced again."""
        words = {self.placeholders[field]: value for field, value in values.items()}
        return re.sub("|".join(map(re.escape, words)), lambda match: words[match[0]], text)


def may_be_named(team: str) -> bool:
    """Whether a project can have the name of *team*."""
    return bool(NAME.fullmatch(team)) and len(team) <= LONGEST_NAME
