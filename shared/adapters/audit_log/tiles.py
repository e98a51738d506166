"""Tiles: the hashes of the tree in pieces of up to 256, so that a proof reads few blobs.

As C2SP tlog-tiles, with partial tiles as the log grows. They are a cache: what is missing is computed again, and who
uses a hash has to hash it up to a signed root.
"""

from collections.abc import Callable
from typing import Protocol

from shared.adapters.audit_log.layout import tile_path
from shared.domain.trust.merkle import HASH_LENGTH, NodeReader, node_hash

WIDTH, BITS = 256, 8
# Tiles of leaves are kept at every 16th entry, those above at every hash: at most 15 entries are read beside a tile.
STRIDE = 16


class Blobs(Protocol):
    """Blobs of one container."""

    def read(self, container: str, path: str) -> bytes | None: ...
    def create(self, container: str, path: str, data: bytes) -> bool: ...


class Tiles:
    """The tiles in *container*; *leaf* gives the hash of the entry of an index, from 0."""

    def __init__(self, hub: Blobs, container: str, leaf: Callable[[int], bytes]) -> None:
        self._hub, self._container, self._leaf = hub, container, leaf

    def keep(self, size: int) -> None:
        """Write the tiles that end with entry *size*: a few blobs are read and written, however long the log is."""
        if size % STRIDE:
            return
        level, count = 0, size
        while count:
            self.hashes(level, (count - 1) // WIDTH, (count - 1) % WIDTH + 1)
            if count % WIDTH:
                return
            level, count = level + 1, count // WIDTH

    def hashes(self, level: int, index: int, width: int, stored: bool = True) -> list[bytes]:
        """The first *width* hashes of a tile: of the blob that is nearest, and computed from there on.

        With *stored* false no blob is read, and all is computed from the entries.
        """
        stride = STRIDE if level == 0 else 1
        kept = width - width % stride
        hashes: list[bytes] = []
        while stored and kept:
            raw = self._hub.read(self._container, tile_path(level, index, kept))
            if raw is not None and len(raw) == kept * HASH_LENGTH:
                hashes = [raw[start : start + HASH_LENGTH] for start in range(0, len(raw), HASH_LENGTH)]
                break
            kept -= stride
        first = len(hashes)
        hashes += [self._hash(level, index * WIDTH + place, stored) for place in range(first, width)]
        if stored and width > first and width % stride == 0:
            self._hub.create(self._container, tile_path(level, index, width), b"".join(hashes))
        return hashes

    def nodes(self, size: int, stored: bool = True) -> NodeReader:
        """The nodes of the tree of *size* leaves; each tile is read once."""
        tiles = dict[tuple[int, int], list[bytes]]()

        def node(level: int, index: int) -> bytes:
            tile_level, rows = divmod(level, BITS)
            start = index << rows
            tile = start // WIDTH
            if (tile_level, tile) not in tiles:
                width = min(WIDTH, (size >> BITS * tile_level) - tile * WIDTH)
                tiles[tile_level, tile] = self.hashes(tile_level, tile, width, stored)
            place = start % WIDTH
            return folded(tiles[tile_level, tile][place : place + (1 << rows)])

        return node

    def _hash(self, level: int, place: int, stored: bool) -> bytes:
        return self._leaf(place) if level == 0 else folded(self.hashes(level - 1, place, WIDTH, stored))


def folded(hashes: list[bytes]) -> bytes:
    """The root of a complete subtree over *hashes*."""
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
