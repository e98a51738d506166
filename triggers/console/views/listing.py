"""What the pages of lists share: the filters that stand in the address, and the way to the next page.

It stands alone, because every list uses it.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode


def asked(query: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The filters of the list in *query*; an empty one is none, and anything else in the address is not the API's."""
    return {name: query[name] for name in names if query.get(name)}


def next_page(path: str, query: Mapping[str, str], cursor: str, name: str = "cursor") -> str:
    """The address of the page behind *cursor*, which the API takes as *name*; empty on the last one."""
    return f"{path}?{urlencode({**query, name: cursor})}" if cursor else ""
