"""What a shared object of Linux is called and which others it needs, read from its file: no tool is asked."""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("<4sBB10xHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_ENTRY = struct.Struct("<QQ")
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS, _SONAME = 1, 5, 14
_OF_64_BITS = 2
_IN_MEMORY = 2  # The flag of a section that is loaded.
_WITHOUT_BYTES = 8


@dataclass(frozen=True, slots=True)
class SharedObject:
    """*soname* is the name that others know it by; empty for an extension module, which nobody links.

    *symbols* are the bytes of names for debuggers and linkers, which are never loaded.
    """

    soname: str
    needs: tuple[str, ...]
    symbols: int


def read_shared_object(path: Path) -> SharedObject | None:
    """None where *path* is no shared object of 64 bits."""
    if path.stat().st_size < _HEADER.size:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _parse(data)


def _parse(data: mmap.mmap) -> SharedObject | None:
    magic, width, _, _, _, _, _, segments, sections, _, _, size, number, section_size, section_number, _ = (
        _HEADER.unpack_from(data)
    )
    if magic != b"\x7fELF" or width != _OF_64_BITS:
        return None
    headers = [_SEGMENT.unpack_from(data, segments + index * size) for index in range(number)]
    entries = [
        _ENTRY.unpack_from(data, offset + place)
        for kind, _, offset, _, _, length, _, _ in headers
        if kind == _DYNAMIC
        for place in range(0, length, _ENTRY.size)
    ]
    address = next((value for tag, value in entries if tag == _STRINGS), 0)
    strings = next(
        (
            offset + address - start
            for kind, _, offset, start, _, length, _, _ in headers
            if kind == _LOAD and start <= address < start + length
        ),
        0,
    )

    def text(place: int) -> str:
        return data[strings + place : data.find(b"\0", strings + place)].decode()

    soname = next((text(value) for tag, value in entries if tag == _SONAME), "")
    parts = [_SECTION.unpack_from(data, sections + index * section_size) for index in range(section_number)]
    symbols = sum(part[5] for part in parts if not part[2] & _IN_MEMORY and part[1] != _WITHOUT_BYTES)
    return SharedObject(soname, tuple(text(value) for tag, value in entries if tag == _NEEDED), symbols)
