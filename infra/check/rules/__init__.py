"""Rules about a whole installation: each module has those of one subject, and `RULES` is all of them."""

from collections.abc import Callable, Iterator

from infra.check.findings import Finding
from infra.check.installation import Installed
from infra.check.rules import access, doors, hardening, monitoring

Rule = Callable[[Installed], Iterator[Finding]]
RULES: tuple[Rule, ...] = (*hardening.RULES, *access.RULES, *doors.RULES, *monitoring.RULES)
