"""The Merkle tree against the published vectors of RFC 6962, and against the RFC's own recursive definition."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.trust.merkle import (
    EMPTY_ROOT,
    Frontier,
    frontier,
    includes,
    inclusion_proof,
    leaf_hash,
    node_hash,
)

# The test data of the Certificate Transparency reference implementation (merkle_tree_test, "ReferenceInclusionProof"
# and "ReferenceSnapshotConsistency"), in hexadecimal.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
SIZES = st.integers(1, 70)


def power_below(size):
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def tree_hash(leaves):
    """MTH of RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = power_below(len(leaves))
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def audit_path(index, leaves):
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = power_below(len(leaves))
    if index < k:
        return [*audit_path(index, leaves[:k]), tree_hash(leaves[k:])]
    return [*audit_path(index - k, leaves[k:]), tree_hash(leaves[:k])]


def node_of(leaves):
    return lambda level, index: tree_hash(leaves[index << level : (index + 1) << level])


def numbered(size):
    return [f"entry {number}".encode() for number in range(size)]


def test_the_empty_tree_has_the_hash_of_nothing():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root == EMPTY_ROOT


def test_published_roots():
    tree, roots = Frontier(), []
    for leaf in LEAVES:
        tree = tree.append(leaf_hash(leaf))
        roots.append(tree.root.hex())

    assert roots == ROOTS


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_published_inclusion_proofs(index, size, proof):
    path = inclusion_proof(index, size, node_of(LEAVES))

    assert [node.hex() for node in path] == proof
    assert includes(LEAVES[index], index, size, bytes.fromhex(ROOTS[size - 1]), path)


@given(SIZES)
def test_a_frontier_has_the_root_of_the_definition(size):
    leaves, tree = numbered(size), Frontier()
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))

    assert tree.root == tree_hash(leaves)
    assert frontier(size, node_of(leaves)) == tree


@given(SIZES, st.data())
def test_inclusion_is_as_defined_and_holds_for_no_other_entry_place_size_or_proof(size, data):
    leaves = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    root = tree_hash(leaves)
    path = inclusion_proof(index, size, node_of(leaves))

    assert list(path) == audit_path(index, leaves)
    assert includes(leaves[index], index, size, root, path)
    assert not includes(b"another", index, size, root, path)
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index) if size > 1 else st.just(size))
    assert not includes(leaves[index], other, size, root, path)
    assert not includes(leaves[index], index, size, node_hash(root, root), path)
    assert not includes(leaves[index], index, size, root, (*path, root))
    if path:
        assert not includes(leaves[index], index, size, root, path[:-1])
        place = data.draw(st.integers(0, len(path) - 1))
        assert not includes(leaves[index], index, size, root, (*path[:place], b"\0" * 32, *path[place + 1 :]))


@pytest.mark.parametrize(("size", "peaks"), [(3, (b"\0" * 32,)), (1, (b"short",)), (-1, ())])
def test_peaks_that_are_not_of_the_size_are_refused(size, peaks):
    with pytest.raises(ValueError, match="peak"):
        Frontier(size=size, peaks=peaks)


def test_a_leaf_beyond_the_tree_has_no_proof():
    with pytest.raises(ValueError, match="leaf 8 is not in a tree of 8"):
        inclusion_proof(8, 8, node_of(LEAVES))
