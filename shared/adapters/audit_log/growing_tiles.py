"""The tiles of a log as it grows, computed from its leaves and compared with what is stored."""

from collections.abc import Iterator

from shared.adapters.audit_log.layout import tile_path
from shared.adapters.audit_log.tiles import BITS, STRIDE, WIDTH, Tiles, folded
from shared.domain.trust.merkle import Frontier, frontier


class GrowingTiles:
    """*rows* are the hashes of the last tile of each level."""

    def __init__(self, size: int = 0, rows: list[list[bytes]] | None = None) -> None:
        self._size, self._rows = size, rows or []

    @classmethod
    def after(cls, tiles: Tiles, size: int) -> "GrowingTiles":
        """The last tiles of a log of *size* entries, as they are stored; `frontier` says whether they are true."""
        rows, count = list[list[bytes]](), size
        while count:
            rows.append(tiles.hashes(len(rows), (count - 1) // WIDTH, (count - 1) % WIDTH + 1))
            count //= WIDTH
        return cls(size, rows)

    @property
    def frontier(self) -> Frontier:
        """What the rows hash up to: every hash of a tile that is not full is under one of its peaks."""

        def node(level: int, index: int) -> bytes:
            row, rows = divmod(level, BITS)
            place = (index << rows) % WIDTH
            return folded(self._rows[row][place : place + (1 << rows)])

        return frontier(self._size, node)

    def append(self, leaf: bytes) -> Iterator[tuple[str, bytes]]:
        """One more leaf; the path and the content of every tile that ends with it."""
        self._size += 1
        level, node = 0, leaf
        while True:
            if level == len(self._rows):
                self._rows.append([])
            if len(self._rows[level]) == WIDTH:
                self._rows[level] = []
            row = self._rows[level]
            row.append(node)
            if level or len(row) % STRIDE == 0:
                index = ((self._size >> BITS * level) - 1) // WIDTH
                yield tile_path(level, index, len(row)), b"".join(row)
            if len(row) < WIDTH:
                return
            level, node = level + 1, folded(row)
