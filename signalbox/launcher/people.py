"""The local tenant's members besides the app: an example person for each role, and a second managed identity."""

import requests

from signalbox.launcher.endpoints import APP_URI, AUDIENCE, TENANT, Endpoints


def _person(number: int, name: str, *roles: str) -> dict[str, object]:
    return {
        "oid": f"00000000-0000-0000-0000-0000000001{number:02d}",
        "upn": f"{name.lower()}@example.org",
        "name": name,
        "roles": list(roles),
        "groups": [],
    }


PERSONS = (
    _person(1, "Ada", "DataScientist"),
    _person(2, "Grace", "ProductOwner"),
    _person(3, "Linus", "MLEngineer"),
    _person(4, "Barbara", "PlatformEngineer"),
    _person(5, "Owner", "DataOwner"),
)
DEVOPS_AUDIENCE = "499b84ac-1321-427f-aa17-267ca6975798"  # Azure DevOps, in every tenant.
DEVOPS = {
    "organisation": "contoso",
    "projects": [{"id": "00000000-0000-0000-0000-00000000d0d0", "name": "mlops"}],
    "groups": {
        "[mlops]\\Data Scientists": ["ada@example.org"],
        "[mlops]\\Product Owners": ["grace@example.org"],
    },
}
APPLICATION = {"client_id": AUDIENCE, "uri": APP_URI, "version": 2}  # requestedAccessTokenVersion of its registration.
USER_ASSIGNED = {
    "client_id": "00000000-0000-0000-0000-0000000000bb",
    "oid": "00000000-0000-0000-0000-0000000000bc",
}
VAULT_OFFICER = "barbara@example.org"


def sign_in(endpoints: Endpoints, person: str, audience: str = APP_URI) -> str:
    """A token for *audience* of the *person* (a user principal name). Raises LookupError naming those there are."""
    answer = requests.post(
        f"{endpoints.authority}/{TENANT}/local/sign-in",
        json={"person": person, "audience": audience},
        headers={"X-IDENTITY-HEADER": endpoints.identity_secret},
        verify=str(endpoints.ca),
        timeout=10,
    )
    if answer.status_code in (400, 404):
        names = ", ".join(str(known_person["upn"]) for known_person in PERSONS)
        raise LookupError(f"{person!r} is not in the local directory: {names}")
    answer.raise_for_status()
    return str(answer.json()["access_token"])
