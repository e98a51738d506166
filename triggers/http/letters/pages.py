"""Stored dead letters a page at a time: a page costs what it shows, however many letters there are.

Letters lie in folders by date, ours and Event Grid's. The newest folders come first, and in them the newest letters; a
folder with more than a hundred things in it is given in the order of its names, since only that can be gone on with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.ports import Blob, DataHub

_WIDE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ended: in *folder*, *after* a letter's path, or a marker of the hub where the folder is *wide*."""

    folder: str = ""
    after: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """A folder's turn: its own letters, unless it is *wide*."""

    folder: str
    wide: bool
    blobs: tuple[Blob, ...] = field(default=())


def stored_letters(hub: DataHub, container: str, most: int, place: Place | None) -> tuple[list[Blob], Place | None]:
    """At most *most* letters, from the start or from *place* on, and where the next page begins; None at the end."""
    letters, marker = list[Blob](), place.after if place and place.wide else ""
    for visit in _visits(hub, container, place):
        while visit.wide and len(letters) < most:
            page, marker = hub.page(container, visit.folder, most - len(letters), marker)
            letters += page
            if not marker:
                break
        if visit.wide and marker:
            return letters, Place(folder=visit.folder, after=marker, wide=True)
        room = most - len(letters)
        letters += visit.blobs[:room]
        if len(visit.blobs) > room or len(letters) == most:
            after = letters[-1].path if visit.blobs[:room] else ""
            return letters, Place(folder=visit.folder, after=after, wide=visit.wide)
    return letters, None


def _visits(hub: DataHub, container: str, place: Place | None) -> Iterator[_Visit]:
    if place is None:
        yield from _inside(hub, container, "")
        return
    if place.wide and place.after:
        yield _Visit(folder=place.folder, wide=True)
    elif not place.wide:
        yield from _own(hub, container, place.folder, place.after)
    yield from _behind(hub, container, place.folder)


def _inside(hub: DataHub, container: str, folder: str) -> Iterator[_Visit]:
    """*folder* and what is below it."""
    look = hub.look_into(container, folder, _WIDE)
    if not look.whole:
        yield _Visit(folder=folder, wide=True)
        return
    for inner in sorted(look.folders, key=_rank, reverse=True):
        yield from _inside(hub, container, inner)
    yield _Visit(folder=folder, wide=False, blobs=_newest(look.blobs))


def _own(hub: DataHub, container: str, folder: str, after: str) -> Iterator[_Visit]:
    """The letters of *folder* itself that come after the one at *after*."""
    look = hub.look_into(container, folder, _WIDE)
    blobs = _newest(look.blobs)
    paths = [blob.path for blob in blobs]
    yield _Visit(folder=folder, wide=False, blobs=blobs[paths.index(after) + 1 :] if after in paths else blobs)


def _behind(hub: DataHub, container: str, folder: str) -> Iterator[_Visit]:
    """What comes after *folder* and everything in it: its older neighbours, then the folder above, and so on."""
    while folder:
        above = folder[: folder.rstrip("/").rfind("/") + 1]
        look = hub.look_into(container, above, _WIDE)
        if not look.whole:  # It has grown since: some letters may be shown twice, none is left out.
            yield _Visit(folder=above, wide=True)
        older = [inner for inner in look.folders if _rank(inner) < _rank(folder)] if look.whole else []
        for inner in sorted(older, key=_rank, reverse=True):
            yield from _inside(hub, container, inner)
        if look.whole:
            yield _Visit(folder=above, wide=False, blobs=_newest(look.blobs))
        folder = above


def _rank(folder: str) -> tuple[int, str]:
    """Event Grid writes months and days without a zero before them."""
    name = folder.rstrip("/").rpartition("/")[2]
    return (int(name) if name.isascii() and name.isdigit() and len(name) < 10 else -1, name)


def _newest(blobs: tuple[Blob, ...]) -> tuple[Blob, ...]:
    return tuple(sorted(blobs, key=lambda blob: (blob.modified, blob.path), reverse=True))
