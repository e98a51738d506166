"""Deny assignments, as deployment stacks make them: who has a role for it may still not delete what a stack manages."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.resource_manager.resource_ids import ResourceId

_PLACE = "/denials"
_DENIED: Mapping[str, Sequence[str]] = {
    "none": (),
    "denyDelete": ("delete",),
    "denyWriteAndDelete": ("delete", "write"),
}
MODES = tuple(_DENIED)
_MOST_EXCLUDED = 5  # Principals of one stack.


class Denials:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def put(self, resource: str, stack: str, settings: Mapping[str, Any]) -> None:
        self._resources.put(f"{_PLACE}{resource}", {"resource": resource, "stack": stack, "settings": dict(settings)})

    def remove(self, resource: str) -> None:
        self._resources.delete(f"{_PLACE}{resource}")

    def check(self, verb: str, resource: ResourceId, principal: str, stack: str) -> None:
        """Raises 403 where a stack denies *verb*; what *stack* manages it may change itself."""
        action = f"{resource.type}/{verb}"
        for _, row in self._resources.below(_PLACE):
            settings, denied = row["settings"], row["resource"].lower()
            is_below = settings.get("applyToChildScopes") and resource.id.lower().startswith(f"{denied}/")
            if row["stack"].lower() == stack.lower() or not (resource.id.lower() == denied or is_below):
                continue
            if verb in _DENIED[settings["mode"]] and not _is_excluded(settings, principal, action):
                message = f"The client '{principal}' has permission to perform action '{action}' on '{resource.id}'"
                cause = f'the deny assignment with name "Deny assignment created by Deployment Stack {row["stack"]}"'
                raise Refusal(
                    403, "DenyAssignmentAuthorizationFailed", f"{message}; however, the access is denied by {cause}."
                )


def read_settings(raw: Any) -> dict[str, Any]:
    """The deny settings of a stack, which needs some. Raises 400."""
    settings = dict(raw or {})
    if settings.get("mode") not in MODES:
        problem = f"denySettings.mode is {settings.get('mode')!r}; use one of {', '.join(MODES)}"
        raise Refusal(400, "InvalidDeploymentStackDefinition", problem)
    if len(settings.get("excludedPrincipals") or ()) > _MOST_EXCLUDED:
        problem = f"denySettings.excludedPrincipals are more than {_MOST_EXCLUDED}"
        raise Refusal(400, "InvalidDeploymentStackDefinition", problem)
    return settings


def _is_excluded(settings: Mapping[str, Any], principal: str, action: str) -> bool:
    patterns = settings.get("excludedActions") or ()
    return principal in (settings.get("excludedPrincipals") or ()) or any(
        fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns
    )
