"""Azure DevOps as an order needs it, made where it is missing; and the look at all that was made for it."""

import hashlib
import json
from typing import TYPE_CHECKING

from activities.effects import once
from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain.failures import Refused
from shared.domain.provisioning.rules import ProvisioningRules, ProvisioningStep
from shared.domain.provisioning.set_up import wanted_set_up
from shared.records.provisioning import find_standing

if TYPE_CHECKING:
    from shared.operations.doctor.verification import EnvironmentProof


def set_up_devops(clients: Clients, setting_up: c.SettingUp) -> c.SetUpDone:
    """Make what is missing. Refused where something of the name is another: nothing is overwritten."""

    def act() -> c.SetUpDone:
        request, order = setting_up.request, setting_up.request.order
        seen = clients.provisioner.set_up.ensure(wanted_set_up(order, request.rules))
        if seen.differences:
            raise Refused(f"Azure DevOps has another: {'; '.join(seen.differences)[:1500]}; mend it, then resume")
        federations = tuple(sorted(seen.federations, key=lambda each: each.connection))
        text = json.dumps(encode(federations), sort_keys=True)
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        standing = find_standing(clients.store, order.team, order.step)
        settled = standing is not None and standing.federated == digest
        return c.SetUpDone(made=seen.made, federations=federations, digest=digest, settled=settled)

    return once(clients, setting_up.key, c.SetUpDone, act)


def look_at_set_up(clients: Clients, look: c.SetUpLook) -> c.SetUpDiffers:
    """Azure DevOps, and the environments that were made: by the doctor's own checks of what an environment needs."""
    order, rules = look.request.order, look.request.rules
    seen = clients.provisioner.set_up.look(wanted_set_up(order, rules))
    verified = verify_environments(clients, rules, order.team, order.step)
    return c.SetUpDiffers(differences=seen.differences, findings=verified.problems, proven=verified.proven)


def verify_environments(
    clients: Clients, rules: ProvisioningRules, team: str, step: ProvisioningStep
) -> "EnvironmentProof":
    """What keeps the environments of a step from being verified, and what is proven of them, one sentence each."""
    from shared.operations.doctor.verification import verify  # It imports every check of the doctor.

    names = tuple(environment.name for environment in rules.of_step(team, step))
    return verify(clients, names, rules.groups)
