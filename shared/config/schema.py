"""The JSON Schemas of `signalbox.yaml` and of a team's file, for editors: `python -m shared.config.schema [team]`.

It says the shape; what only shows when fields are seen together is `shared.config.load`'s to refuse.
It stands alone because it is a command, and the app never needs it.
"""

import json
import sys
from typing import Any

from shared.config.sections.whole import SignalboxFile
from shared.config.teams.sections import TeamFileSection
from shared.validation.schemas import file_schema


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    return file_schema("signalbox.yaml", SignalboxFile)


def team_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of the file of one team."""
    return file_schema("A team's file", TeamFileSection)


if __name__ == "__main__":
    print(json.dumps(team_schema() if sys.argv[1:] == ["team"] else schema(), indent=2))
