"""The console's style and scripts: a dictionary of known files, compressed, under names that change with them."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import azure.functions as func

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    content: bytes
    compressed: bytes
    kind: str


@cache
def files() -> dict[str, StaticFile]:
    """Every file by its name; no path of a request is ever joined to a folder."""
    paths = sorted(path for path in _FOLDER.iterdir() if path.suffix in _TYPES)
    return {
        path.name: StaticFile((raw := path.read_bytes()), gzip.compress(raw, 9, mtime=0), _TYPES[path.suffix])
        for path in paths
    }


@cache
def version() -> str:
    """One for all files: modules import each other by name."""
    digest = hashlib.sha256()
    for name, file in files().items():
        digest.update(name.encode() + b"\0" + file.content)
    return digest.hexdigest()[:16]


def static_response(path: str, accepts: str) -> func.HttpResponse | None:
    """The file at *path*, `VERSION/NAME`; None for any other."""
    named_version, _, name = path.partition("/")
    file = files().get(name)
    if file is None or named_version != version():
        return None
    is_compressed = "gzip" in accepts
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Type": file.kind,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        **({"Content-Encoding": "gzip"} if is_compressed else {}),
    }
    return func.HttpResponse(file.compressed if is_compressed else file.content, status_code=200, headers=headers)
