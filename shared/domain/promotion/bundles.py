"""A bundle: everything that travels with a model, named by its content. The digest is the same on every rung."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.promotion.models import ModelVersion

MODEL, EXTRAS = "model", "extras"  # The two parts: the model's own files, and what travels with them.
MLFLOW_MODEL = "mlflow_model"  # The type of a model that brings its scoring code and its environment.
CODE, ENVIRONMENT, GOLDEN = "code/", "environment/conda.yaml", "golden/requests.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BundleFile:
    """*part* is `model` or `extras`, *path* the file's path in that part, *size* in bytes."""

    part: str
    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    files: tuple[BundleFile, ...]

    @property
    def digest(self) -> str:
        return bundle_digest(self.files)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def has(self, part: str, prefix: str) -> bool:
        return any(file.part == part and file.path.startswith(prefix) for file in self.files)


def bundle_digest(files: Iterable[BundleFile]) -> str:
    """`sha256:` of the sorted list of (part, path, size, sha256): the order of listing does not matter."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.part}/{file.path}\0{file.size}\0{file.sha256}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def companion(model: ModelVersion, digest: str) -> ModelVersion:
    """The version of the code and the environment that belong to this very content of *model*."""
    return ModelVersion(name=model.name, version=f"{model.version}-{digest.removeprefix('sha256:')[:8]}")


def difference(before: Bundle, after: Bundle) -> tuple[str, ...]:
    """What differs, one sentence a file: for the report of a conflict."""
    first, second = ({f"{file.part}/{file.path}": file.sha256 for file in bundle.files} for bundle in (before, after))
    sentences = [f"{path} is missing" for path in sorted(first.keys() - second.keys())]
    sentences += [f"{path} is new" for path in sorted(second.keys() - first.keys())]
    return (
        *sentences,
        *(f"{path} differs" for path in sorted(first.keys() & second.keys()) if first[path] != second[path]),
    )
