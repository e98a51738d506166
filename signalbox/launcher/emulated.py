"""The settings of the emulators: which accounts, workspaces, persons and subscriptions the local cloud has."""

from signalbox.launcher.endpoints import (
    ACCOUNT,
    ACCOUNTS,
    AUDIENCE,
    PERSONS,
    REGISTRY,
    REGISTRY_SUBSCRIPTION,
    STORAGE_TOPIC,
    SUBSCRIPTION,
    TENANT,
    WORKSPACES,
    Endpoints,
)


def emulator_settings(ends: Endpoints, time_scale: float) -> dict[str, object]:
    """What `python -m signalbox.emulators` is to be: accounts, topics, workspaces, persons, subscriptions."""
    webhook = f"{ends.app}/runtime/webhooks/eventgrid?functionName=receive_hub_event&code={ends.eventgrid_key}"
    return {
        "state": ends.state,
        "account": ACCOUNT,
        "tenant": TENANT,
        "issuer": ends.issuer,
        "audience": AUDIENCE,
        "persons": PERSONS,
        "account_keys": dict.fromkeys(ACCOUNTS, ends.account_key),
        "machine_learning": _machine_learning(),
        "ports": {
            "identity": ends.identity,
            "storage": ends.storage,
            "eventgrid": ends.eventgrid,
            "azureml": ends.azureml,
            "authority": ends.authority,
        },
        "azurite": f"https://127.0.0.1:{ends.azurite}",
        "identity_secret": ends.identity_secret,
        "time_scale": time_scale,
        "storage_topic": STORAGE_TOPIC,
        "subscriptions": _subscriptions(webhook),
    }


def _subscriptions(webhook: str) -> list[dict[str, object]]:
    """What the app subscribes to on Azure: files of the hub's landing zone, and registrations of models."""
    hub: dict[str, object] = {
        "name": "hub-events",
        "topic": "hub",
        "url": webhook,
        "event_types": ["Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobRenamed"],
        "subject_begins_with": "/blobServices/default/containers/landing/",
        "schema": "EventGridSchema",
    }
    models: dict[str, object] = {
        "name": "model-events",
        "topic": "ml",
        "url": webhook,
        "event_types": ["Microsoft.MachineLearningServices.ModelRegistered"],
        "schema": "EventGridSchema",
    }
    return [hub, models]


def _machine_learning() -> dict[str, object]:
    """The workspaces, each in its own resource group and with its own storage, the registry, and shared datastores."""
    scopes = [
        {
            "kind": "workspaces",
            "subscription": SUBSCRIPTION,
            "resource_group": f"rg-mlops-{name.removeprefix('mlw-')}",
            "name": name,
            "account": account,
        }
        for name, account in WORKSPACES.items()
    ]
    registry = {
        "kind": "registries",
        "subscription": REGISTRY_SUBSCRIPTION,
        "resource_group": "rg-mlops-registry",
        "name": REGISTRY,
        "account": ACCOUNTS[-1],
    }
    return {"scopes": [*scopes, registry], "datastores": {"hub_staging": [ACCOUNT, "signalbox-staging"]}}
