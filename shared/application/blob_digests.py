"""The SHA-256 of what a blob holds, read a block at a time.

It stands alone since runs, publications and promotions all prove contents by it.
"""

import hashlib

from shared.ports import Blob, DataHub

_BLOCK = 4 * 1024 * 1024


def blob_digest(hub: DataHub, blob: Blob) -> str:
    """In hexadecimal. Raises Refused where the content is no longer the one that *blob* names."""
    digest = hashlib.sha256()
    with hub.open(blob) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
