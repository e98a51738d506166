"""`python -m shared.operations.project_facts FILE`: what tools outside the app need to know of a configuration (JSON).

The findings come first; where one of them is an error there is nothing else, and it ends with 1.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from shared.config import check, load
from shared.config.contracts import read_contract
from shared.domain.configuration import Configuration
from shared.domain.project_functions import file_of, metric_function
from shared.operations.roles.assignments import containers

_TRUSTED_KEYS = "trusted-keys.json"  # No configuration names it, but SIGNALBOX_TRUSTED_KEYS of the app does.


def project_facts(path: Path) -> dict[str, Any]:
    """What *path* says: its findings, and the files, containers, workspaces, models and stages that it names."""
    findings = check(path)
    facts: dict[str, Any] = {
        "findings": [{"level": finding.level, "text": finding.placed(path.name)} for finding in findings]
    }
    if any(finding.level == "error" for finding in findings):
        return facts
    configuration = load(path)
    return facts | {
        "files": sorted(_files(path.parent, configuration)),
        "containers": sorted(set(containers(configuration)) - set(configuration.accounts_elsewhere)),
        "team_containers": {hub.account: hub.containers for hub in configuration.hubs},
        "arrivals": sorted({route.take.partition("/")[0] for route in configuration.routes}),
        "workspaces": {
            workspace.name: [workspace.subscription, workspace.resource_group, workspace.workspace]
            for workspace in configuration.workspaces
        },
        "models": sorted(model.name for model in configuration.ladder.models),
        "stages": [stage.name for stage in configuration.ladder.stages],
    }


def main(arguments: list[str]) -> int:
    """Print the facts about the one file that *arguments* name, and give the exit code."""
    facts = project_facts(Path(arguments[0]))
    print(json.dumps(facts))
    return 0 if "files" in facts else 1


def _files(home: Path, configuration: Configuration) -> set[str]:
    """The paths, from the configuration, of the files that belong to it, and of the trusted keys."""
    contracts = {route.contract for route in configuration.routes}
    contracts |= {model.contract for model in configuration.ladder.models}
    contracts |= {data.contract for rules in configuration.retraining for data in rules.data}
    contracts |= {own.contract for route in configuration.routes for own in route.contracts}
    contracts |= {route.output_contract for route in configuration.routes}
    contracts |= {rule.output_contract for rule in configuration.answers}
    files = {*filter(None, contracts), *(team.file for team in configuration.teams)}
    if (home / _TRUSTED_KEYS).is_file():
        files.add(_TRUSTED_KEYS)
    for path in filter(None, contracts):
        files |= set(_beside(home, path))
    stages = configuration.ladder.stages
    gates = [spec for stage in stages for spec in (*stage.entry_gates, *stage.exit_gates)]
    gates += [rules.gate for rules in configuration.retraining]
    functions = {spec.gate for spec in gates} | {metric_function(str(spec.options.get("metric", ""))) for spec in gates}
    return files | set(filter(None, map(file_of, functions)))


def _beside(home: Path, path: str) -> Iterator[str]:
    """The reference profile of the contract at *path*, and the files of its own rules."""
    contract, folder = read_contract(home, path).contract, PurePosixPath(path).parent
    if contract is None:
        return
    if contract.distribution is not None:
        yield str(folder / contract.distribution.reference)
    for rule in contract.rules:
        yield str(folder / rule.function.file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
