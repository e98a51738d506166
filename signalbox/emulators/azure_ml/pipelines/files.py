"""What a run reads and writes: inputs, code and outputs between storage and the folders of this machine. It blocks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.estate import Estate, Scope
from signalbox.emulators.azure_ml.jobs import JobError
from signalbox.emulators.azure_ml.pipelines.components import FOLDERS
from signalbox.emulators.azure_ml.pipelines.specs import FILE
from signalbox.emulators.azure_ml.resources import Resources

_MODELS = {"custom_model", "mlflow_model", "triton_model"}


class RunFiles:
    def __init__(self, resources: Resources, estate: Estate, blobs: Blobs) -> None:
        self._resources, self._estate, self._blobs = resources, estate, blobs

    def fetch(self, uri: str, kind: str, scope: Scope, target: Path) -> str:
        """The path of the input at *uri* (an address, or a registered asset) below *target*. Raises JobError."""
        files = self._blobs.download(self._estate.place_of(self._address(uri, kind, scope), scope), target)
        if not files:
            raise JobError(f"the input {target.name} at {uri} holds no file")
        return str(files[0] if kind == FILE and len(files) == 1 else target)

    def fetch_all(
        self, inputs: Mapping[str, str], spec: Mapping[str, Any], scope: Scope, target: Path
    ) -> dict[str, str]:
        """The paths of *inputs* by name, each of the type that *spec* declares. Raises JobError."""
        return {name: self.fetch(uri, input_type(spec, name), scope, target / name) for name, uri in inputs.items()}

    def fetch_code(self, spec: Mapping[str, Any], scope: Scope, target: Path) -> Path:
        """The folder in which the command of *spec* runs. Raises JobError."""
        target.mkdir(parents=True)
        if spec.get("code"):
            code = self._asset(self._estate.asset_id(spec["code"], scope, "codes"))
            self._blobs.download(self._estate.place_of(code["codeUri"], scope), target)
        return target

    def upload(self, path: Path, uri: str, scope: Scope) -> None:
        """The file or folder *path* to *uri*. Raises JobError where nothing was written."""
        location = self._estate.place_of(uri, scope)
        if path.is_file():
            self._blobs.upload(location, path, overwrite=True)
            return
        if not path.is_dir():
            raise JobError(f"the command has not written its output {path.name}")
        for file in sorted(inner for inner in path.rglob("*") if inner.is_file()):
            self._blobs.upload(location.below(file.relative_to(path).as_posix()), file, overwrite=True)

    def _address(self, uri: str, kind: str, scope: Scope) -> str:
        if uri.startswith("https://") or "/datastores/" in uri:
            return uri
        assets = "models" if kind in _MODELS else "data"
        properties = self._asset(self._estate.asset_id(uri, scope, assets))
        return str(properties.get("dataUri") or properties["modelUri"])

    def _asset(self, path: str) -> dict[str, Any]:
        asset = self._resources.get(path)
        if asset is None:
            raise JobError(f"{path} does not exist")
        return dict(asset["properties"])


def output_paths(spec: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Where the command of *spec* writes each of its outputs: a folder that is there, or a file that it makes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / name for name in spec.get("outputs") or {}}
    for name, path in paths.items():
        if spec["outputs"][name].get("type") != FILE:
            path.mkdir(exist_ok=True)
    return paths


def input_type(spec: Mapping[str, Any], name: str) -> str:
    return str((spec.get("inputs") or {}).get(name, {}).get("type", "uri_folder"))


def is_remote(value: str, kind: str) -> bool:
    """Whether an input's *value* has to be fetched; another step's output is a path of this machine already."""
    return kind in FOLDERS and value.startswith(("azureml:", "https://", "/subscriptions/"))
