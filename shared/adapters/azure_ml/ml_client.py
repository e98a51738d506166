"""Azure ML's own client: it writes the assets that are written once, environments and data.

It is imported at the first of them: the import takes a second of processor time and 54 MB. What it is not used for, and
why, is in docs/decisions/0017-azure-ai-ml.md.
"""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.azure_faults import translated
from shared.adapters.sessions import transport
from shared.adapters.trace_headers import TraceHeaders
from shared.domain.access.redaction import redacted
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from shared.ports import AssetKind
from shared.validation.conda_files import CondaFileError, read_conda

_MOST_WORKSPACES = 64
_CLOUD = "AZUREML_CURRENT_CLOUD"
_making = threading.Lock()


class MlAssets:
    """Writes environments and data assets of workspaces. Nothing is looked up here, and nothing is ever retried here.

    A PUT whose answer was lost is repeated by the activity's retries, after a look, as in `arm`.
    """

    def __init__(self, credential: TokenCredential, resource_manager: str) -> None:
        self._credential, self._resource_manager = credential, resource_manager
        self._transport = transport()
        self._of = lru_cache(maxsize=_MOST_WORKSPACES)(self._client)  # A client costs 8 ms, and a log handler.

    def create_environment(self, workspace: Workspace, asset: ModelVersion, image: str, conda: bytes) -> None:
        """The environment *asset* of *image* and the packages of the file *conda*.

        Raises Refused where *conda* is no conda file, which would otherwise show when an image is built of it.
        """
        action = f"register {AssetKind.ENVIRONMENT.value} {asset}"
        packages = _conda(conda, action)

        def environment() -> Any:
            from azure.ai.ml.entities import Environment

            return Environment(name=asset.name, version=asset.version, image=image, conda_file=packages)

        self._write(workspace, "environments", environment, action)

    def create_data(self, workspace: Workspace, name: str, version: str, folder: str, tags: Mapping[str, str]) -> None:
        """The folder *folder* of a datastore as data asset `name:version`."""

        def data() -> Any:
            from azure.ai.ml.constants import AssetTypes
            from azure.ai.ml.entities import Data

            return Data(name=name, version=version, path=folder, type=AssetTypes.URI_FOLDER, tags=dict(tags))

        self._write(workspace, "data", data, f"register data {name}:{version}")

    def _write(self, workspace: Workspace, collection: str, asset: Callable[[], Any], action: str) -> None:
        """Create *asset* in the client's *collection*.

        A 401 is a token that expired on the way: the client has dropped it, and another may be accepted.
        """
        with translated(action):
            operations = getattr(self._of(workspace), collection)
            from azure.ai.ml.exceptions import MlException

            try:
                entity = asset()
                try:
                    operations.create_or_update(entity)
                except ClientAuthenticationError:
                    operations.create_or_update(entity)
            except MlException as error:  # The SDK refuses before it sends: another try would be refused too.
                raise Refused(f"{action}: {redacted(str(error))[:300]}") from error

    def _client(self, workspace: Workspace) -> Any:
        """A client that sends each request once.

        The SDK's own retries would hold an activity for minutes, and sleep through a Retry-After that a durable timer
        should wait for. Of the cloud's addresses only Resource Manager's is used: nothing is uploaded, no registry is
        discovered, and the token is the app's own. The SDK keeps clouds by name for the life of the process.
        """
        address = self._resource_manager
        names = ("azure_portal", "resource_manager", "active_directory", "aml_resource_id", "storage_endpoint")
        with _making, _without_a_cloud(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The SDK warns about its own schemas while it is imported.
            from azure.ai.ml import MLClient

            return MLClient(
                self._credential,
                workspace.subscription,
                workspace.resource_group,
                workspace.workspace,
                cloud=address,
                cloud_metadata=dict.fromkeys((*names, "registry_discovery_endpoint"), address),
                show_progress=False,
                enable_telemetry=False,
                transport=self._transport,
                per_call_policies=[TraceHeaders()],
                retry_total=0,
            )


@contextmanager
def _without_a_cloud() -> Iterator[None]:
    """The process environment without the name of a cloud, as it was afterwards.

    While it is imported the SDK reads the name there, and asks a public address about one that it does not know. Each
    client then leaves its own cloud's name there, which no child process would know.
    """
    name = os.environ.pop(_CLOUD, None)
    try:
        yield
    finally:
        os.environ.pop(_CLOUD, None)
        if name is not None:
            os.environ[_CLOUD] = name


def _conda(content: bytes, action: str) -> dict[str, Any]:
    """The mapping in *content*: the SDK takes one or a path of this machine, and no text. Raises Refused."""
    try:
        return read_conda(content)
    except CondaFileError as error:
        raise Refused(f"{action}: the conda file {error}") from error
