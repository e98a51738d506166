"""A team's hub, for the tests of runs, imports, data sets, trainings and drift. It is one file, since they share it."""

from shared.domain.configuration import ResourceGroup, TeamHub

LAB_HUB = TeamHub(
    name="lab",
    account="stlab",
    containers=("lab",),
    environments=("dev",),
    group=ResourceGroup(subscription="s", name="g"),
)
