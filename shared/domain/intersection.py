"""Whether two path patterns can match the same path, with a path that both match as the proof.

A pattern is read as a finite automaton over characters; the product of two automata is searched breadth first.
A capture that repeats is read as independent captures, so an overlap may be reported that cannot happen, never missed.
"""

import re
from collections import deque
from functools import lru_cache

_TOKEN = re.compile(r"\{[A-Za-z_]\w*\}|\*\*/?|\*|\?")
_OTHER = "x"  # Stands for any character that neither pattern spells out.

# A state is a position in the token list; a token is (kind, text).
_Tokens = tuple[tuple[str, str], ...]


def witness(left: str, right: str) -> str | None:
    """A path that both patterns match, or None where no path can."""
    first, second = _tokens(left), _tokens(right)
    alphabet = [_OTHER, *sorted({*left, *right, "/"} - set("{}*?") - {_OTHER})]
    start = (_closure(first, frozenset({0})), _closure(second, frozenset({0})))
    seen, queue = {start}, deque([(start, "")])
    while queue:
        (one, two), path = queue.popleft()
        if len(first) in one and len(second) in two:
            return path
        for character in alphabet:
            after = (_step(first, one, character), _step(second, two, character))
            if all(after) and after not in seen:
                seen.add(after)
                queue.append((after, path + character))
    return None


@lru_cache(maxsize=1024)
def _tokens(pattern: str) -> _Tokens:
    """Literals one character each; `one` a character but `/`, `some`/`any` a run of those, `deep` a run of anything."""
    tokens: list[tuple[str, str]] = []
    position = 0
    for found in _TOKEN.finditer(pattern):
        tokens += [("is", character) for character in pattern[position : found.start()]]
        tokens += _wildcard(found[0])
        position = found.end()
    return (*tokens, *(("is", character) for character in pattern[position:]))


def _wildcard(text: str) -> list[tuple[str, str]]:
    if text == "**/":
        return [("folders", "")]
    if text == "**":
        return [("deep", "")]
    if text == "*":
        return [("any", "")]
    return [("one", "")] if text == "?" else [("one", ""), ("any", "")]


def _closure(tokens: _Tokens, states: frozenset[int]) -> frozenset[int]:
    """*states* and all that is reached without reading a character."""
    reached, todo = set(states), list(states)
    while todo:
        state = todo.pop()
        if 0 <= state < len(tokens) and tokens[state][0] in ("any", "deep", "folders") and state + 1 not in reached:
            reached.add(state + 1)
            todo.append(state + 1)
    return frozenset(reached)


def _step(tokens: _Tokens, states: frozenset[int], character: str) -> frozenset[int]:
    after: set[int] = set()
    for state in states:
        after |= _reads(tokens, state, character)
    return _closure(tokens, frozenset(after))


def _reads(tokens: _Tokens, state: int, character: str) -> set[int]:
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
