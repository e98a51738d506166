"""What values share is encoded once for all of them, and is the same JSON as without that; literals are checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pytest

from shared.codec import Encoder, UndecodableError, decode, encode
from shared.domain.newer import NEWER, newer_fields


class Counted(Mapping[str, int]):
    """A mapping that counts how often it is gone through."""

    def __init__(self) -> None:
        self.times = 0

    def __getitem__(self, key: str) -> int:
        return 7

    def __iter__(self) -> Iterator[str]:
        self.times += 1
        return iter(["seven"])

    def __len__(self) -> int:
        return 1


@dataclass(frozen=True)
class Plan:
    steps: tuple[str, ...]
    limits: Mapping[str, int]


@dataclass(frozen=True)
class Order:
    number: int
    plan: Plan
    before: "Order | None" = None


def test_a_shared_part_is_encoded_once_for_all():
    limits, encoder = Counted(), Encoder()
    plan = Plan(("copy", "deploy"), limits)

    made = [encoder.encode(Order(number, plan)) for number in range(3)]

    assert made == [
        {"number": number, "plan": {"steps": ["copy", "deploy"], "limits": {"seven": 7}}, "before": None}
        for number in range(3)
    ]
    assert limits.times == 1


def test_parts_that_come_and_go_are_never_taken_for_each_other():
    encoder = Encoder()
    for number in range(200):  # Each plan but for the encoder's own would be gone, and its id given to the next one.
        order = Order(number, Plan((str(number),), {}), Order(-number, Plan((), {"n": number})))
        assert encoder.encode(order) == encode(order)


def test_what_is_no_dataclass_is_encoded_as_ever():
    assert [Encoder().encode(each) for each in (None, 3, "a", (1, 2), {"b": (3,)})] == [
        None,
        3,
        "a",
        [1, 2],
        {"b": [3]},
    ]


@dataclass(frozen=True)
class Verdict:
    word: Literal["pass", "fail"]


def test_a_literal_is_read_as_one_of_its_words_and_no_other():
    assert decode(Verdict, {"word": "pass"}) == Verdict("pass")
    with pytest.raises(UndecodableError, match=r"Verdict\.word: 'maybe' is none of pass, fail"):
        decode(Verdict, {"word": "maybe"})


def test_a_newer_field_with_a_factory_is_refused_since_it_would_always_be_written() -> None:
    @dataclass
    class Grown:
        parts: list[int] = field(default_factory=list, metadata=NEWER)

    with pytest.raises(TypeError, match="Grown: parts is newer and has no default"):
        newer_fields(Grown)
