"""Azure DevOps as an order needs it: made where it is missing, looked at again when the order is verified."""

import hashlib
import json

from activities.effects import once
from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain.failures import Refused
from shared.domain.provisioning.set_up import wanted_set_up
from shared.records.provisioning import find_standing


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
    seen = clients.provisioner.set_up.look(wanted_set_up(look.request.order, look.request.rules))
    return c.SetUpDiffers(differences=seen.differences)
