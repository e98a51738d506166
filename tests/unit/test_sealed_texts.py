"""What a browser keeps of a session: sealed and signed under keys that are replaced, and good for one purpose."""

import pytest

from shared.adapters.sealed_texts import KeyedSealer
from shared.domain.failures import Refused

OLD, NEW = "o" * 40, "n" * 40


def test_a_sealed_text_opens_for_its_purpose_and_key_alone() -> None:
    sealed = KeyedSealer([OLD]).seal("session", "grace")

    assert KeyedSealer([NEW, OLD]).unseal("session", sealed) == "grace"
    assert KeyedSealer([OLD]).unseal("form", sealed) is None
    assert KeyedSealer([NEW]).unseal("session", sealed) is None
    assert "grace" not in sealed
    assert KeyedSealer([OLD]).seal("session", "grace") != sealed


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_changed_letter_opens_nothing(place: int) -> None:
    sealed = KeyedSealer([OLD]).seal("session", "grace" * 10)
    changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]

    assert KeyedSealer([OLD]).unseal("session", changed) is None


@pytest.mark.parametrize("text", ["", "x", "%%%", "é", "A" * 5000])
def test_what_nobody_sealed_opens_nothing(text: str) -> None:
    assert KeyedSealer([OLD]).unseal("session", text) is None
    assert not KeyedSealer([OLD]).is_signed("form", "x", text)


def test_a_signature_is_for_its_text_and_stays_good_while_its_key_is_there() -> None:
    signature = KeyedSealer([OLD]).sign("form", "approve")

    assert KeyedSealer([NEW, OLD]).is_signed("form", "approve", signature)
    assert not KeyedSealer([NEW, OLD]).is_signed("form", "reject", signature)
    assert not KeyedSealer([NEW]).is_signed("form", "approve", signature)
    with pytest.raises(Refused, match="SIGNALBOX_SESSION_KEYS"):
        KeyedSealer([])
