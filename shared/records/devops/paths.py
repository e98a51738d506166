"""Where the records of what waits for Azure DevOps, and of what it waits for, lie in the state container."""

OPEN_INSTANCES = "devops/open/"


def told(task: str) -> str:
    """The record of everything that a waiting task of Azure DevOps was told."""
    return f"devops/tasks/{task}/told.json"


def claim(task: str) -> str:
    """The call that a waiting task of Azure DevOps belongs to: the first one that Azure DevOps confirmed."""
    return f"devops/claims/{task}/call.json"


def refused_claim(task: str, call: str) -> str:
    """A confirmed call that asked for something else."""
    return f"devops/claims/{task}/refused-{call}.json"


def waiting_runs(organisation: str, run: int) -> str:
    """The folder of what waits here for a run of a pipeline; its number is the organisation's."""
    return f"devops/runs/{organisation}/{run}/"


def waiting_run(organisation: str, run: int, instance: str) -> str:
    return f"{waiting_runs(organisation, run)}{instance}.json"


def links(instance: str) -> str:
    """The folder of the tasks that wait for *instance*: approvals count beside them."""
    return f"devops/links/{instance}/"


def link(instance: str, run: int, task: str) -> str:
    return f"{links(instance)}{run}-{task}.json"


def open_instance(instance: str) -> str:
    """The instance's entry on the list of what stands in for Azure DevOps, and must run until it has ended."""
    return f"{OPEN_INSTANCES}{instance}.json"


def taken_decision(promotion: str, approval: str, person: str) -> str:
    """The stage of the ladder that a decision of Azure DevOps counts for."""
    return f"devops/taken/{promotion}/{approval}/{person}.json"
