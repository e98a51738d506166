"""Where it is kept what a team uses of its quotas: paths in the hub's state container.

It stands alone as those of production and of Azure DevOps do: `paths` has what every app keeps, with teams or without.
"""


def team_runs(team: str) -> str:
    """What the runs of *team* use of its quotas."""
    return f"teams/{team}/runs.json"


def team_trainings(team: str) -> str:
    """What the trainings of *team* use of its quotas."""
    return f"teams/{team}/trainings.json"


def waiting_runs(team: str) -> str:
    """The folder with a mark for each run of *team* that waits for room in a quota."""
    return f"teams/{team}/waiting/"


def waiting_run(team: str, run: str) -> str:
    """The mark of *run*, which waits."""
    return f"{waiting_runs(team)}{run}"
