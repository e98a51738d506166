"""The command `signalbox-verify`."""

import argparse
from pathlib import Path

from signalbox_verify.archives import LIMIT, read_archive, read_canonical
from signalbox_verify.bundles import verify_alone
from signalbox_verify.promotions import verify
from signalbox_verify.signed import NotProven, canonical_bytes, read_keys, require, verify_log_proof


def printable(text):
    """Nobody who writes a proof may move the cursor of its reader."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("proof", type=Path)
    parser.add_argument("--keys", type=Path, required=True, help="the JSON Web Key Set that you trust")
    parser.add_argument("--bundle", type=Path, help="a folder with model/ and extras/")
    options = parser.parse_args()
    try:
        with options.proof.open("rb") as file:
            content = file.read(LIMIT + 1)
        require(len(content) <= LIMIT, f"the proof has more than {LIMIT} bytes")
        keys = read_keys(options.keys.read_bytes())
        is_archive = content.startswith(b"PK")
        proof = read_archive(content, keys) if is_archive else read_canonical(content, "the proof")
        if "statements" in proof:
            lines = verify(proof, keys, options.bundle)
        elif "payloadType" in proof:
            lines = verify_alone(proof, keys, options.bundle)
        else:
            lines = [
                canonical_bytes(verify_log_proof(proof, keys)).decode(),
                "It lies below a signed head of the audit log",
            ]
    except NotProven as reason:
        print(printable(f"NOT PROVEN: {reason}"))
        return 1
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        print(printable(f"NOT PROVEN: the proof or the keys have another form ({error!r})"))
        return 2
    print("\n".join(printable(line) for line in lines))
    return 0
