"""The tiles of a log as it grows, computed from its leaves and compared with what is stored."""

from collections.abc import Iterator

from shared.adapters.audit_log.layout import tile_path
from shared.adapters.audit_log.tiles import BITS, STRIDE, WIDTH, Tiles, folded
from shared.domain.trust.merkle import Frontier, frontier


class GrowingTiles:
    """*last_tiles* are the hashes of the last tile of each level."""

    def __init__(self, size: int = 0, last_tiles: list[list[bytes]] | None = None) -> None:
        self._size, self._last_tiles = size, last_tiles or []

    @classmethod
    def after(cls, tiles: Tiles, size: int) -> "GrowingTiles":
        """The last tiles of a log of *size* entries, as they are stored; `frontier` says whether they are true."""
        last_tiles, count = list[list[bytes]](), size
        while count:
            last_tiles.append(tiles.hashes(len(last_tiles), (count - 1) // WIDTH, (count - 1) % WIDTH + 1))
            count //= WIDTH
        return cls(size, last_tiles)

    @property
    def frontier(self) -> Frontier:
        """What the tiles hash up to: every hash of a tile that is not full is under one of its peaks."""

        def node(level: int, index: int) -> bytes:
            tile_level, height = divmod(level, BITS)  # Height inside the tile.
            start = (index << height) % WIDTH
            return folded(self._last_tiles[tile_level][start : start + (1 << height)])

        return frontier(self._size, node)

    def append(self, leaf: bytes) -> Iterator[tuple[str, bytes]]:
        """One more leaf; the path and the content of every tile that ends with it."""
        self._size += 1
        level, node = 0, leaf
        while True:
            if level == len(self._last_tiles):
                self._last_tiles.append([])
            if len(self._last_tiles[level]) == WIDTH:
                self._last_tiles[level] = []
            tile = self._last_tiles[level]
            tile.append(node)
            if level or len(tile) % STRIDE == 0:  # Of the leaves only some partial tiles are kept: `STRIDE` says which.
                index = ((self._size >> BITS * level) - 1) // WIDTH
                yield tile_path(level, index, len(tile)), b"".join(tile)
            if len(tile) < WIDTH:
                return
            level, node = level + 1, folded(tile)
