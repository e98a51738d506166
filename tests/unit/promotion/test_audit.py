"""The chain notices every edit, gap, repeat and reordering."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import encode
from shared.domain.promotion.audit import GENESIS, Entry, sealed, verify


def chain(length: int) -> list[Entry]:
    entries, before = [], GENESIS
    for number in range(1, length + 1):
        entry = sealed(
            Entry(number=number, before=before, key=f"k{number}", at="t", kind="moved", subject="m:1", who="w")
        )
        entries.append(entry)
        before = entry.hash
    return entries


def test_a_whole_chain_is_whole():
    entries = chain(5)

    assert verify(entries, entries[-1]) == (5, ())
    assert verify([], None) == (0, ())


@given(st.integers(0, 9), st.sampled_from(["at", "kind", "subject", "who", "key", "before", "hash", "team"]))
def test_an_edit_is_found_wherever_it_is(place, field):
    entries = chain(10)
    head = entries[-1]
    entries[place] = replace(entries[place], **{field: "edited"})

    assert verify(entries, head)[1]


def test_an_entry_of_before_teams_keeps_its_hash():
    entry = Entry(
        number=1, before=GENESIS, key="k", at="2026-01-01T00:00:00.000+00:00", kind="moved", subject="m:1", who="w",
        facts={"stage": "preprod"},
    )  # fmt: skip

    assert sealed(entry).hash == "sha256:66d999627faf80f4e327cceaf6f3c1663fdaf6e894d82de5f98fc51db0aa0e47"
    assert "team" not in encode(entry)
    assert sealed(replace(entry, team="churn")).hash != sealed(entry).hash


@pytest.mark.parametrize("place", range(10))
def test_a_gap_is_found_even_at_the_end(place):
    entries = chain(10)
    head = entries[-1]
    del entries[place]

    assert verify(entries, head)[1]


def test_a_resealed_entry_breaks_the_next():
    entries = chain(3)
    entries[1] = sealed(replace(entries[1], who="somebody else"))

    assert any("entry 3 does not follow" in line for line in verify(entries, entries[-1])[1])


def test_a_repeat_and_a_swap_are_found():
    entries = chain(4)

    assert verify([*entries, entries[-1]], entries[-1])[1]
    assert verify([entries[1], entries[0], *entries[2:]], entries[-1])[1]
