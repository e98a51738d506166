"""`python -m shared.operations.signing_keys COMMAND ...`: make and rotate signing keys, without the app.

The commands and options are those of `signalbox keys`. It ends with 0 where it did what was asked, 2 where it refused.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.adapters.signing.key_sets import read_entries, write_entries
from shared.adapters.signing.trusted_keys import read_trusted_keys
from shared.domain.failures import Refused, Transient
from shared.domain.trust import rotation
from shared.domain.trust.keys import Purpose

DONE, NOT_DONE = 0, 2
_VAULTS, _TOKEN_LIFE_S = "*.vault.azure.net", 600


def main(arguments: Sequence[str]) -> int:
    """Do what *arguments* ask for, and give the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options, datetime.now(UTC).replace(microsecond=0))
    except (Refused, Transient, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    return DONE


def new(options: argparse.Namespace, now: datetime) -> None:
    """Make a key, and put its public half into the set. Raises Refused or Transient."""
    entries, purpose = read_entries(options.trusted, missing_is_empty=True), Purpose(options.purpose)
    keyid = options.id or rotation.next_keyid(entries, purpose)
    start = datetime.fromisoformat(options.start) if options.start else now
    address, jwk = _made(options, purpose)
    new_entries = rotation.with_new_key(entries, keyid, purpose, jwk, start, timedelta(hours=options.overlap_hours))
    write_entries(options.trusted, new_entries)
    print(f"{keyid} is trusted for {purpose.value} from {start.isoformat()} on, in {options.trusted}")
    for before, after in zip(entries, new_entries, strict=False):
        if before != after:
            print(f"{after['kid']} is trusted until {after['not_after']}")
    print(f"deploy the set, and then this in SIGNALBOX_SIGNING_KEYS: {purpose.value}={keyid}@{address}")


def show(options: argparse.Namespace, now: datetime) -> None:
    """Print the keys of the set. Raises Refused."""
    keys = read_trusted_keys(options.trusted).keys
    rows = [
        {
            "id": key.keyid,
            "purpose": key.purpose.value,
            "from": key.not_before.isoformat() if key.not_before else "",
            "until": key.not_after.isoformat() if key.not_after else "",
            "signs": key.objection(key.purpose, now) or "yes",
        }
        for key in keys
    ]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['id']:<20} {row['purpose']:<10} {row['from'] or '-':<26} {row['until'] or '-':<26} {row['signs']}")


def retire(options: argparse.Namespace, now: datetime) -> None:
    """End a key's time: what it signed before stays true. Raises Refused."""
    entries = read_entries(options.trusted)
    end = datetime.fromisoformat(options.at) if options.at else now
    new_entries = rotation.with_retired(entries, options.key, end)
    write_entries(options.trusted, new_entries)
    print(f"{options.key} is trusted until {end.isoformat()}; what it signed before stays true")
    _warn(new_entries, end)


def revoke(options: argparse.Namespace, now: datetime) -> None:
    """Believe nothing any more that a key has signed. Raises Refused."""
    new_entries = rotation.with_revoked(read_entries(options.trusted), options.key, now, options.because)
    write_entries(options.trusted, new_entries)
    print(f"{options.key} is revoked: nothing is believed any more that it signed, whenever that was")
    print("deploy the set now, and disable the key where it lies; docs/signing-keys.md says what to look at then")
    _warn(new_entries, now)


def _made(options: argparse.Namespace, purpose: Purpose) -> tuple[str, dict[str, str]]:
    """The address and the public half of a new key in a vault or in a file. Raises Refused or Transient."""
    if options.pem:
        from shared.adapters.signing.key_files import make_key_file

        return f"file:{options.pem.resolve()}", make_key_file(options.pem)
    from shared.adapters.signing.key_vault import make_vault_key

    credential, hosts = _credential(options.token_from_stdin), tuple(options.vault_hosts.split(","))
    name = options.name or f"signalbox-{purpose.value}"
    return make_vault_key(options.vault.rstrip("/"), name, hosts, credential, hardware=options.hsm)


def _credential(token_from_stdin: bool) -> Any:
    """Who is signed in on this machine, or the bearer of the token on the standard input, where no list shows it."""
    if not token_from_stdin:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential()
    from azure.core.credentials import AccessToken

    token = AccessToken(sys.stdin.readline().strip(), int(datetime.now(UTC).timestamp()) + _TOKEN_LIFE_S)
    return type("GivenToken", (), {"get_token": lambda *_, **__: token})()


def _warn(entries: rotation.Entries, at: datetime) -> None:
    missing = [purpose.value for purpose in Purpose if not rotation.usable(entries, purpose, at)]
    if missing:
        print(f"no key may sign for {', '.join(missing)}: make one with `signalbox keys new`", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.operations.signing_keys")
    commands = parser.add_subparsers(required=True)
    making = _command(commands, "new", new)
    making.add_argument("purpose", choices=[purpose.value for purpose in Purpose])
    place = making.add_mutually_exclusive_group(required=True)
    place.add_argument("--vault")
    place.add_argument("--pem", type=Path)
    making.add_argument("--id", default="")
    making.add_argument("--name", default="")
    making.add_argument("--start", default="")
    making.add_argument("--overlap-hours", type=float, default=24.0)
    making.add_argument("--hsm", action="store_true")
    making.add_argument("--vault-hosts", default=_VAULTS)
    making.add_argument("--token-from-stdin", action="store_true")
    _command(commands, "list", show).add_argument("--json", action="store_true")
    retiring = _command(commands, "retire", retire)
    retiring.add_argument("key")
    retiring.add_argument("--at", default="")
    revoking = _command(commands, "revoke", revoke)
    revoking.add_argument("key")
    revoking.add_argument("--because", required=True)
    return parser


def _command(commands: Any, name: str, body: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name)
    parser.add_argument("--trusted", type=Path, required=True)
    parser.set_defaults(command=body)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
