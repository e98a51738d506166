"""The proof of a promotion as an archive: its form, its files, and the signed list of them."""

import hashlib
import io
import re
import struct
import zipfile
from urllib.parse import quote, unquote

from signalbox_verify.signed import STATEMENT, NotProven, canonical_bytes, decoded, open_envelope, read_json, require

LIMIT, MOST = 64 * 1024 * 1024, 5000  # Bytes of all files, and files.
MANIFEST = "manifest.dsse.json"
NAME = re.compile(r"[A-Za-z0-9%][A-Za-z0-9%._~-]*(/[A-Za-z0-9%_~-][A-Za-z0-9%._~-]*)*")

# What the library raises for an archive that is damaged, or made to harm its reader.
UNREADABLE = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, struct.error, OSError, ValueError)


def zipped(files):
    """The one form of an archive: sorted, not compressed, without times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def read_files(content):
    """The files of the archive by their names; nothing is written anywhere. Raises NotProven."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            require(len(entries) <= MOST, f"the archive has more than {MOST} files")
            require(len({entry.filename for entry in entries}) == len(entries), "the archive has one name twice")
            for entry in entries:
                require(NAME.fullmatch(entry.filename), f"the archive has a file of the name {entry.filename!r}")
                require(entry.compress_type == zipfile.ZIP_STORED, f"{entry.filename} is compressed")
            require(sum(entry.file_size for entry in entries) <= LIMIT, f"its files have more than {LIMIT} bytes")
            files = {entry.filename: archive.read(entry) for entry in entries}
    except UNREADABLE as error:
        raise NotProven(f"the archive cannot be read: {error}") from None
    require(zipped(files) == content, "the archive is not written as Signalbox writes it")
    return files


def read_canonical(content, where):
    document = read_json(content)
    require(canonical_bytes(document) == content, f"{where} is not the canonical JSON that Signalbox writes")
    return document


def verify_manifest(files, keys):
    """The promotion that the signed list of *files* is about. Raises NotProven naming the first that differs."""
    require(MANIFEST in files, f"the archive has no {MANIFEST}")
    payload = open_envelope(read_canonical(files[MANIFEST], MANIFEST), STATEMENT, None, keys, MANIFEST)
    kind = payload["predicateType"].rpartition("/v1")[0].rpartition("/")[2]
    require(kind == "proof-pack", f"{MANIFEST} is a statement of kind {kind}")
    listed = {file["name"]: file["sha256"] for file in payload["predicate"]["files"]}
    for name in sorted(set(listed) ^ (set(files) - {MANIFEST})):
        raise NotProven(f"{name} is {'missing' if name in listed else 'not of the archive'}")
    for name, sha256 in listed.items():
        require(hashlib.sha256(files[name]).hexdigest() == sha256, f"{name} has other bytes")
    return payload["predicate"]["promotion"]


def verify_evidence(files, proof):
    """Each file of evidence is what a pack of the proof says whole."""
    payloads = [read_json(decoded(envelope["payload"])) for envelope in proof["statements"].values()]
    packs = [says["predicate"]["pack"] for says in payloads if "pack" in says["predicate"]]
    for name in (name for name in files if name.startswith("evidence/")):
        require(files[name] in map(canonical_bytes, packs), f"{name} is not what was signed as evidence")


def read_archive(content, keys):
    """The proof in the archive, once every byte of it is one that the deciding key has listed. Raises NotProven."""
    files = read_files(content)
    promotion = verify_manifest(files, keys)
    proof = read_canonical(files["proof.json"], "proof.json")
    statements = [name for name in files if name.startswith("statements/")]
    for name in statements:
        require(quote(unquote(name)) == name, f"{name} is not a name that Signalbox writes")
    proof["statements"] = {
        unquote(name.removeprefix("statements/")): read_canonical(files[name], name) for name in statements
    }
    proof["log"] = [read_canonical(files[name], name) for name in sorted(files) if name.startswith("log/")]
    require(proof.get("promotion") == promotion, f"the archive is of {promotion}, its proof is of another promotion")
    verify_evidence(files, proof)
    return proof
