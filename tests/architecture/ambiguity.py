"""Whether a regular expression can be made to backtrack for ever.

A pattern is read as an automaton of positions (Glushkov). It blows up exponentially where one word leads from a
position back to itself on two ways (Weideman et al. 2016, EDA), and quadratically where one word loops at a position,
leads from it to another, and loops there (IDA). Looking ahead and behind is left out, so such a pattern may be called
worse than it is; a count of more than a few is read as endless.
"""

import re
from itertools import product
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_ALPHABET = [chr(code) for code in range(128)] + ["é"]
_FEW = 2


class _Automaton:
    """*reads*: the characters of each position; *after*: the positions that may follow it."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.reads: list[frozenset[str]] = []
        self.after: dict[int, set[int]] = {}
        self.twice: set[tuple[int, int]] = set()  # Steps that a loop inside a loop can take on two ways.
        self._flags = flags
        self._sequence(parser.parse(pattern, flags))

    def _sequence(self, items: Any) -> tuple[set[int], set[int], bool]:
        first, last, empty = set[int](), set[int](), True
        for item in items:
            heads, tails, nullable = self._item(*item)
            self._link(last, heads)
            first |= heads if empty else set()
            last = tails | (last if nullable else set())
            empty = empty and nullable
        return first, last, empty

    def _link(self, tails: set[int], heads: set[int]) -> None:
        for tail in tails:
            self.twice |= {(tail, head) for head in heads & self.after[tail]}
            self.after[tail] |= heads

    def _item(self, kind: Any, value: Any) -> tuple[set[int], set[int], bool]:
        if kind in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return self._position(kind, value)
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            return self._repeat(*value)
        if kind is sre.SUBPATTERN:
            outside, self._flags = self._flags, (self._flags | value[1]) & ~value[2]
            read = self._sequence(value[3])
            self._flags = outside
            return read
        if kind is sre.BRANCH:
            ways = [self._sequence(way) for way in value[1]]
            return (
                set().union(*(way[0] for way in ways)),
                set().union(*(way[1] for way in ways)),
                any(w[2] for w in ways),
            )
        assert kind in (sre.AT, sre.ASSERT, sre.ASSERT_NOT), f"{kind} cannot be read; write the pattern without it"
        return set(), set(), True

    def _position(self, kind: Any, value: Any) -> tuple[set[int], set[int], bool]:
        self.reads.append(_characters(kind, value, self._flags))
        place = len(self.reads) - 1
        self.after[place] = set()
        return {place}, {place}, False

    def _repeat(self, least: int, most: int, body: Any) -> tuple[set[int], set[int], bool]:
        endless = most > _FEW
        first, last, empty = set[int](), set[int](), True
        for _ in range(max(1, min(least, _FEW))):
            heads, tails, nullable = self._sequence(body)
            self._link(last, heads)
            first, last = (first | heads if empty else first), tails | (last if nullable else set())
            empty = empty and nullable
        if endless:
            self._link(tails, heads)
        return first, last, empty or least == 0


def _characters(kind: Any, value: Any, flags: int) -> frozenset[str]:
    item = [(kind, value)]
    state = parser.State()
    state.flags, state.str = flags, ""
    compiled = re._compiler.compile(parser.SubPattern(state, item), flags & ~re.VERBOSE)  # type: ignore[attr-defined]
    return frozenset(character for character in _ALPHABET if compiled.fullmatch(character))


def exponential(pattern: str, flags: int = 0) -> bool:
    automaton = _Automaton(pattern, flags)
    if any(tail in _ahead(automaton, head) for tail, head in automaton.twice):
        return True
    steps = _pairs(automaton)
    return any(
        start != other
        and _reaches(steps, (start, other), lambda pair: pair[0] == pair[1])
        and _splits(steps, start, other)
        for start, other in steps
    )


def _splits(steps: Any, left: int, right: int) -> bool:
    """Whether some position leads to both by one word, and both lead back to it by one."""
    back = [pair for pair in _closure(steps, (left, right)) if pair[0] == pair[1]]
    return any((left, right) in _closure(steps, pair) for pair in back)


def quadratic(pattern: str, flags: int = 0) -> bool:
    automaton = _Automaton(pattern, flags)
    places = range(len(automaton.reads))
    for loop, other in product(places, places):
        if loop == other or loop not in _ahead(automaton, loop) or other not in _ahead(automaton, other):
            continue
        if other in _ahead(automaton, loop) and _pumped(automaton, loop, other):
            return True
    return False


def _pumped(automaton: _Automaton, loop: int, other: int) -> bool:
    seen, waiting = set[tuple[int, int, int]](), [(loop, loop, other)]
    while waiting:
        here = waiting.pop()
        for there in product(*(automaton.after[place] for place in here)):
            if there in seen or not frozenset.intersection(*(automaton.reads[place] for place in there)):
                continue
            if there == (loop, other, other):
                return True
            seen.add(there)
            waiting.append(there)
    return False


def _pairs(automaton: _Automaton) -> dict[tuple[int, int], list[tuple[int, int]]]:
    places = range(len(automaton.reads))
    return {
        (left, right): [
            (one, two)
            for one, two in product(automaton.after[left], automaton.after[right])
            if automaton.reads[one] & automaton.reads[two]
        ]
        for left, right in product(places, places)
    }


def _closure(steps: Any, start: tuple[int, int]) -> set[tuple[int, int]]:
    seen, waiting = set[tuple[int, int]](), [start]
    while waiting:
        for there in steps[waiting.pop()]:
            if there not in seen:
                seen.add(there)
                waiting.append(there)
    return seen


def _reaches(steps: Any, start: tuple[int, int], wanted: Any) -> bool:
    return any(wanted(pair) for pair in _closure(steps, start))


def _ahead(automaton: _Automaton, start: int) -> set[int]:
    seen, waiting = set[int](), [start]
    while waiting:
        for there in automaton.after[waiting.pop()] - seen:
            seen.add(there)
            waiting.append(there)
    return seen
