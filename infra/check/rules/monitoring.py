"""Alerts reach somebody, and name queries that exist. What the queries say is `infra.check.queries`' to judge."""

from collections.abc import Iterator

from infra.check.findings import Finding
from infra.check.installation import Installed

_LEAST_ALERTS = ("effect-lag-fast", "effect-lag-slow", "dead-letters", "stuck-runs", "audit-alarm")


def alerts(installed: Installed) -> Iterator[Finding]:
    groups = {group.id: group for group in installed.of_type("Microsoft.Insights/actionGroups")}
    for group in groups.values():
        if not group.properties.get("emailReceivers"):
            yield Finding(group.place, "alerts", f"{group.short_name} reaches nobody")
    rules = installed.of_type("Microsoft.Insights/scheduledQueryRules")
    for rule in rules:
        actions = rule.properties.get("actions", {}).get("actionGroups", [])
        if not actions or any(action not in groups for action in actions):
            yield Finding(rule.place, "alerts", f"{rule.short_name} tells no action group")
    for name in _LEAST_ALERTS:
        if not any(rule.short_name.endswith(f"-{name}") for rule in rules):
            yield Finding(
                installed.of_type("Microsoft.Insights/components")[0].place, "alerts", f"no alert watches {name}"
            )


def budgets(installed: Installed) -> Iterator[Finding]:
    """Each resource group that costs money has a budget that somebody hears of."""
    limited = {budget.deployment.id: budget for budget in installed.of_type("Microsoft.Consumption/budgets")}
    for plan in installed.of_type("Microsoft.Web/serverfarms", "Microsoft.MachineLearningServices/workspaces"):
        if plan.deployment.id not in limited:
            yield Finding(plan.place, "budget", f"{plan.deployment.group} has no budget")
    for budget in limited.values():
        if not all(entry.get("contactGroups") for entry in budget.properties.get("notifications", {}).values()):
            yield Finding(budget.place, "budget", f"nobody hears of {budget.short_name}")


RULES = (alerts, budgets)
