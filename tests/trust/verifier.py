"""The verifier as it is installed alone: its package is put on the path, and it imports nothing of the product."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "verifier"
sys.path.insert(0, str(FOLDER))

from signalbox_verify import archives, bundles, promotions, signed  # noqa: E402

__all__ = ["FOLDER", "archives", "bundles", "canonical", "promotions", "run", "signed", "verdict"]
_COMMAND = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from signalbox_verify.command import main; sys.exit(main())"
)


def canonical(proof: Any) -> bytes:
    return json.dumps(proof, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def verdict(content: bytes, keys: dict[str, Any]) -> str:
    """The reason why *content*, the proof of a promotion or of an entry, is not proven; empty where it is."""
    try:
        if content.startswith(b"PK"):
            proof = archives.read_archive(content, keys)
        else:
            proof = archives.read_canonical(content, "the proof")
        if "statements" in proof:
            promotions.verify(proof, keys)
        elif "payloadType" in proof:
            bundles.verify_alone(proof, keys)
        else:
            signed.verify_log_proof(proof, keys)
    except signed.NotProven as reason:
        return str(reason)
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
        return repr(error)
    return ""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which fails where it imports anything of the product."""
    command = [sys.executable, "-I", "-c", _COMMAND, str(FOLDER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=FOLDER.anchor)
