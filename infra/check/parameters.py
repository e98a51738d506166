"""`python -m infra.check.parameters INSTALLATION STEP [OUTPUTS]`: what `az deployment group create` needs for one step.

OUTPUTS is a file with the outputs of the steps before, by step: {"platform": {...}}. It prints {template, subscription,
resourceGroup, parameters}; without a step, the steps in their order.
"""

import json
import sys
from pathlib import Path
from typing import Any

from infra.check.installation import GENERATED, step, step_names

_FOLDER = Path(__file__).parents[1]
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"


def order(installation: dict[str, Any], data: dict[str, Any], name: str, outputs: dict[str, Any]) -> dict[str, Any]:
    """The deployment of one step, with its parameters in the form of ARM's parameter files."""
    planned = step(name, installation, data, outputs)
    values = {key: {"value": value} for key, value in planned.parameters.items()}
    return {
        "template": f"infra/{planned.template}",
        "subscription": planned.deployment.subscription,
        "resourceGroup": planned.deployment.group,
        "parameters": {"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "parameters": values},
    }


def main(arguments: list[str]) -> int:
    data = json.loads((_FOLDER / GENERATED).read_text(encoding="utf-8"))
    if len(arguments) == 1:
        sys.stdout.writelines(f"{name}\n" for name in step_names(data))
        return 0
    installation = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    outputs = json.loads(Path(arguments[2]).read_text(encoding="utf-8")) if len(arguments) > 2 else {}
    sys.stdout.write(json.dumps(order(installation, data, arguments[1], outputs), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
