"""Where files of an import come from: a data asset of a workspace, or an address on the internet; and what is allowed.

Nothing is unless the configuration names it.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

_ASSET = re.compile(r"azureml:(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,254}):(?P<version>[A-Za-z0-9][A-Za-z0-9_.-]{0,29})")
_MANY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRules:
    """*hosts* and *assets* are names, in which `*` stands for anything; what none of them fits is refused.

    *largest* is in bytes and of all files of an import together. *closed* are storage accounts from which nothing comes
    to where the import lands, whatever their hosts are called.
    """

    hosts: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    largest: int = 200_000_000
    within_s: int = 300
    most_files: int = _MANY
    closed: tuple[str, ...] = ()

    def closed_account(self, host: str) -> str:
        """The closed account of whose storage *host* is a name, of whatever service or copy; empty where there is none.

        Azure's names of an account begin with it, also those of its second region.
        """
        first = host.lower().partition(".")[0].removesuffix("-secondary")
        return first if first in self.closed else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetReference:
    name: str
    version: str


def read_asset(source: str) -> AssetReference | None:
    """The data asset in `azureml:NAME:VERSION`; None where *source* names none."""
    found = _ASSET.fullmatch(source)
    return AssetReference(name=found["name"], version=found["version"]) if found else None


def asset_objection(asset: AssetReference, rules: SourceRules) -> str:
    """Why files of *asset* may not be imported; empty where they may."""
    if any(fnmatchcase(asset.name, pattern) for pattern in rules.assets):
        return ""
    allowed = ", ".join(rules.assets) or "none"
    return f"data asset {asset.name!r} is not allowed; add it to sources.assets, which allows {allowed}"


def landing_of(target: str, name: str) -> str:
    """Where the file *name* of a source lands: in the folder *target*, which ends with a slash, or at *target*."""
    return f"{target}{name}" if target.endswith("/") else target
