"""Whether two path patterns can match the same path, with a path that both match as the proof.

A pattern is read as a finite automaton over characters; pairs of states are searched breadth first, so the time grows
with the product of the patterns' lengths. A capture that repeats is read as independent captures: an overlap may be
reported that cannot happen, never missed.
"""

import re
from collections import deque
from functools import lru_cache
from itertools import product

_TOKEN = re.compile(r"\{[A-Za-z_]\w*\}|\*\*/?|\*|\?")
_OTHER = "x"  # Stands for any character that neither pattern spells out.

# A state is a position in the token list; a token is (kind, text).
_Tokens = tuple[tuple[str, str], ...]


def witness(first_pattern: str, right: str) -> str | None:
    """A shortest path that both patterns match, or None where no path can."""
    first, second = _tokens(first_pattern), _tokens(right)
    alphabet = [_OTHER, *sorted({*first_pattern, *right, "/"} - set("{}*?") - {_OTHER})]
    pairs, queue = set[tuple[int, int]](), deque([(0, 0, "")])
    while queue:
        left_at, right_at, path = queue.popleft()
        if (left_at, right_at) == (len(first), len(second)):
            return path
        if (left_at, right_at) in pairs:
            continue
        pairs.add((left_at, right_at))
        queue.extendleft((skip, right_at, path) for skip in _skips(first, left_at))
        queue.extendleft((left_at, skip, path) for skip in _skips(second, right_at))
        for character in alphabet:
            after = product(_reads(first, left_at, character), _reads(second, right_at, character))
            queue.extend((*pair, path + character) for pair in after)
    return None


@lru_cache(maxsize=1024)
def _tokens(pattern: str) -> _Tokens:
    """Literals one character each; `one` a character but `/`, `some`/`any` a run of those, `deep` a run of anything."""
    tokens: list[tuple[str, str]] = []
    position = 0
    for token in _TOKEN.finditer(pattern):
        tokens += [("is", character) for character in pattern[position : token.start()]]
        tokens += _wildcard(token[0])
        position = token.end()
    return (*tokens, *(("is", character) for character in pattern[position:]))


def _wildcard(text: str) -> list[tuple[str, str]]:
    if text == "**/":
        return [("folders", "")]
    if text == "**":
        return [("deep", "")]
    if text == "*":
        return [("any", "")]
    return [("one", "")] if text == "?" else [("one", ""), ("any", "")]


def _skips(tokens: _Tokens, state: int) -> set[int]:
    """The states reached from *state* without reading a character."""
    optional = 0 <= state < len(tokens) and tokens[state][0] in ("any", "deep", "folders")
    return {state + 1} if optional else set()


def _reads(tokens: _Tokens, state: int, character: str) -> set[int]:
    """The states reached from *state* by reading *character*."""
    inside = state < 0  # Within `**/`: only a slash may leave it; coded as -(state + 2).
    position = -state - 2 if inside else state
    if position >= len(tokens):
        return set()
    kind, text = tokens[position]
    if kind == "folders":
        return {-position - 2, position + 1} if character == "/" else {-position - 2}
    if kind == "is":
        return {position + 1} if character == text else set()
    if kind == "one":
        return {position + 1} if character != "/" else set()
    return {position} if kind == "deep" or character != "/" else set()
