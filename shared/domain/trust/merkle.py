"""The Merkle tree of RFC 6962: hashes, the frontier of a growing tree, and proofs of inclusion.

Pure arithmetic. Where hashes are kept is in `shared.adapters.audit_log.tiles`.
Contract: RFC 6962 section 2.1; verification as RFC 9162 sections 2.1.3.2 and 2.1.4.2 write it down.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256().digest()
HASH_LENGTH = 32

# The hash of the complete subtree of 2^level leaves, number *index* of its level.
NodeReader = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    # The prefixes 0 and 1 keep leaves and nodes apart: without them two hashes side by side would pass for an entry
    # (RFC 6962, 2.1).
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """What a tree needs to remember in order to grow: the roots of its complete subtrees, the largest first.

    Raises ValueError where *peaks* are not those of a tree of *size* leaves.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves does not have {len(self.peaks)} peaks")
        if any(len(peak) != HASH_LENGTH for peak in self.peaks):
            raise ValueError(f"a peak does not have {HASH_LENGTH} bytes")

    def append(self, leaf: bytes) -> "Frontier":
        """The tree with one more leaf, of the hash *leaf*."""
        peaks, node, rest = list(self.peaks), leaf, self.size
        while rest & 1:
            node = node_hash(peaks.pop(), node)
            rest >>= 1
        return Frontier(size=self.size + 1, peaks=(*peaks, node))

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def frontier(size: int, node: NodeReader) -> Frontier:
    """The frontier of the first *size* leaves."""
    peaks, start = list[bytes](), 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append(node(level, start >> level))
            start += 1 << level
    return Frontier(size=size, peaks=tuple(peaks))


def inclusion_proof(index: int, size: int, node: NodeReader) -> tuple[bytes, ...]:
    """The audit path of leaf *index* in the tree of *size* leaves, from the leaf up. Raises ValueError outside it."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    start, end, path = 0, size, list[bytes]()
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(start, middle, node))
            start = middle
    return tuple(reversed(path))


def includes(entry: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether *proof* shows that *entry* is leaf *index* of the tree of *size* leaves with this *root*."""
    if not 0 <= index < size or any(len(sibling) != HASH_LENGTH for sibling in proof):
        return False
    position, last, node = index, size - 1, leaf_hash(entry)
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def _split(size: int) -> int:
    """The largest power of two below *size*: where RFC 6962 divides a tree."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(start: int, end: int, node: NodeReader) -> bytes:
    """The root of the leaves from *start* to *end*, which a division of the tree has made."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(size)
    return node_hash(_range_root(start, middle, node), _range_root(middle, end, node))
