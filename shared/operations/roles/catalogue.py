"""Azure's built-in roles that are used here, the weakest first, and the choice of those that cover what is needed.

Definitions: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from shared.domain.azure.inspection import Grant
from shared.operations.roles.needs import Need

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_QUEUES, _TABLES = (
    "Microsoft.Storage/storageAccounts/queueServices/queues",
    "Microsoft.Storage/storageAccounts/tableServices",
)
_BUS = "Microsoft.ServiceBus/namespaces"
_ML = "Microsoft.MachineLearningServices"
_KEY_VERBS = ("update", "backup", "encrypt", "decrypt", "wrap", "unwrap", "sign", "verify")


@dataclass(frozen=True, slots=True)
class BuiltIn:
    name: str
    id: str
    grants: Grant

    def covers(self, need: Need) -> bool:
        return not missing_actions(need, (self.grants,))


# What the templates assign beyond the table, to identities that they make: name, id and why.
TEMPLATE_ROLES = (
    ("Monitoring Metrics Publisher", "3913510d-42f4-4e42-8a64-420c390055eb", "telemetry by identity"),
    ("Azure AI Enterprise Network Connection Approver", "b556d68e-0be0-4f35-a333-ad7ee1ce17ea", "managed networks"),
    ("Durable Task Data Contributor", "0ad04412-c4d5-4796-b79c-f76d14c8d402", "the scheduler"),
)
ROLES = (
    BuiltIn("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", Grant(actions=("*/read",))),
    BuiltIn(
        "Storage Blob Data Reader",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        Grant(actions=(f"{_BLOBS}/read",), data_actions=(f"{_BLOBS}/blobs/read",)),
    ),
    BuiltIn(
        "Storage Blob Data Contributor",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        Grant(
            actions=tuple(f"{_BLOBS}/{verb}" for verb in ("read", "write", "delete")),
            data_actions=tuple(
                f"{_BLOBS}/blobs/{verb}" for verb in ("read", "write", "delete", "move/action", "add/action")
            ),
        ),
    ),
    BuiltIn(
        "Storage Blob Data Owner",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        Grant(actions=(f"{_BLOBS}/*",), data_actions=(f"{_BLOBS}/blobs/*",)),
    ),
    BuiltIn(
        "Storage Queue Data Contributor",
        "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        Grant(actions=(f"{_QUEUES}/*",), data_actions=(f"{_QUEUES}/messages/*",)),
    ),
    BuiltIn(
        "Storage Table Data Contributor",
        "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
        Grant(actions=(f"{_TABLES}/*",), data_actions=(f"{_TABLES}/tables/entities/*",)),
    ),
    BuiltIn(
        "EventGrid Data Sender",
        "d5a91429-5739-47e2-a06b-3470a27159e7",
        Grant(actions=("Microsoft.EventGrid/topics/read",), data_actions=("Microsoft.EventGrid/events/send/action",)),
    ),
    BuiltIn(
        "Azure Service Bus Data Sender",
        "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
        Grant(
            actions=tuple(f"{_BUS}/{kind}/read" for kind in ("queues", "topics", "topics/subscriptions")),
            data_actions=(f"{_BUS}/messages/send/action",),
        ),
    ),
    BuiltIn(
        "Azure Service Bus Data Receiver",
        "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
        Grant(
            actions=tuple(f"{_BUS}/{kind}/read" for kind in ("queues", "topics", "topics/subscriptions")),
            data_actions=(f"{_BUS}/messages/receive/action",),
        ),
    ),
    BuiltIn(
        "Communication and Email Service Owner",
        "09976791-48a7-449e-bb21-39d1a415f350",
        Grant(actions=("Microsoft.Communication/CommunicationServices/*", "Microsoft.Communication/EmailServices/*")),
    ),
    BuiltIn(
        "Key Vault Secrets User",
        "4633458b-17de-408a-b874-0445c86b69e6",
        Grant(data_actions=("Microsoft.KeyVault/vaults/secrets/getSecret/action",)),
    ),
    BuiltIn(
        "Key Vault Crypto User",
        "12338af0-0e69-4776-bea7-57ae8d297424",
        Grant(
            data_actions=(
                "Microsoft.KeyVault/vaults/keys/read",
                *(f"Microsoft.KeyVault/vaults/keys/{verb}/action" for verb in _KEY_VERBS),
            )
        ),
    ),
    BuiltIn(
        "AzureML Registry User",
        "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
        Grant(actions=(f"{_ML}/registries/read", f"{_ML}/registries/assets/*")),
    ),
    BuiltIn(
        "AzureML Data Scientist",
        "f6c7c914-8db3-469d-8ca1-694a8f32e121",
        Grant(
            actions=tuple(f"{_ML}/workspaces/*/{verb}" for verb in ("read", "action", "delete", "write")),
            not_actions=(
                f"{_ML}/workspaces/delete",
                f"{_ML}/workspaces/write",
                f"{_ML}/workspaces/computes/*/write",
                f"{_ML}/workspaces/computes/*/delete",
                f"{_ML}/workspaces/computes/listKeys/action",
                f"{_ML}/workspaces/listKeys/action",
            ),
        ),
    ),
)


def missing_actions(need: Need, grants: tuple[Grant, ...]) -> tuple[str, ...]:
    """The actions of *need* that no grant allows; assignments add up, and each takes away only from itself."""
    actions = [action for action in need.actions if not any(grant.allows(action) for grant in grants)]
    data = [action for action in need.data_actions if not any(grant.allows(action, data=True) for grant in grants)]
    return (*actions, *data)


@lru_cache(maxsize=256)  # A configuration has the same need in many places, and the doctor asks of each.
def roles_for(need: Need) -> tuple[BuiltIn, ...]:
    """The fewest, and then the weakest, that together allow all of *need*. Raises LookupError where none do."""
    if not need.actions and not need.data_actions:
        return ()
    for number in (1, 2, 3):
        for roles in combinations(ROLES, number):
            if not missing_actions(need, tuple(role.grants for role in roles)):
                return roles
    raise LookupError(f"no built-in roles of the catalogue allow {', '.join((*need.actions, *need.data_actions))}")
