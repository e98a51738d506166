"""`python -m shared.operations.persona_matrix FILE`: the matrix of FILE as JSON, {PERSONA: {ACTION: [PLACE]}}.

A persona of a team is `TEAM:NAME`, and its places are `TEAM:PLACE`. What cannot be used ends with 1.
"""

import json
import sys
from pathlib import Path

from shared.config import ConfigurationError, load
from shared.domain.access.permissions import Persona


def matrix(personas: tuple[Persona, ...]) -> dict[str, dict[str, list[str]]]:
    """In which places each persona may take each action, as text and sorted."""
    return {
        f"{persona.team}:{persona.role.name}" if persona.team else persona.role.name: {
            action.value: sorted(f"{persona.team}:{place}" if persona.team else place for place in places)
            for action, places in persona.allows.items()
        }
        for persona in personas
    }


def main(file: str) -> int:
    try:
        configuration = load(Path(file))
    except (ConfigurationError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(json.dumps(matrix(configuration.permissions.personas)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
