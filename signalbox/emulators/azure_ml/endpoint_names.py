"""Endpoint names, batch and online, are unique within the region, because they are in the scoring address.

A name that is taken is a fault of the request: https://github.com/Azure/azureml-examples/pull/1931 quotes the service.
It stands alone, because batch and online endpoints share it.
"""

from signalbox.emulators.azure_ml.doors import bad
from signalbox.emulators.azure_ml.resources import Resources


class EndpointNames:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def claim(self, path: str) -> None:
        """Raises Refusal where the name belongs to another endpoint."""
        name = path.rpartition("/")[2]
        owner = self._resources.get(f"/endpoints-by-name/{name}")
        if owner and owner["id"].lower() != path.lower():
            raise bad(
                "One or more validation errors occurred. There is already an endpoint with this name, Endpoint name "
                f"needs to be unique within a region. Try some other name. {name!r} is {owner['id']}"
            )
        self._resources.put(f"/endpoints-by-name/{name}", {"id": path})

    def release(self, path: str) -> None:
        """Frees the name if it is this endpoint's."""
        name = path.rpartition("/")[2]
        if self.path_of(name).lower() == path.lower():
            self._resources.delete(f"/endpoints-by-name/{name}")

    def path_of(self, name: str) -> str:
        """Empty where no endpoint has this name."""
        owner = self._resources.get(f"/endpoints-by-name/{name}")
        return str(owner["id"]) if owner else ""
