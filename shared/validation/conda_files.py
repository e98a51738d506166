"""The file of packages that comes with a bundle, which is not trusted: what would take long is refused unread.

The adapter that registers an environment and the check of a folder judge by the same rules.
"""

from typing import Any

import yaml

LARGEST_BYTES, MOST_BRACKETS = 256 * 1024, 1000  # A thousand nested brackets take the YAML reader 0.4 s.


class CondaFileError(ValueError):
    """The file cannot be used; the message goes on from a name of the file, such as "is not YAML"."""


def read_conda(content: bytes) -> dict[str, Any]:
    """The mapping in *content*, which has a list of dependencies. Raises CondaFileError."""
    if len(content) > LARGEST_BYTES or content.count(b"[") + content.count(b"{") > MOST_BRACKETS:
        raise CondaFileError(f"is too large; {LARGEST_BYTES} bytes and {MOST_BRACKETS} brackets at most")
    try:
        # Before it is loaded: aliases of aliases would make a small file a huge document.
        has_alias = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, Loader=yaml.SafeLoader))
        document = None if has_alias else yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CondaFileError(f"is not YAML: {str(error).splitlines()[0]}; write it as conda's env.yml") from error
    if has_alias:
        raise CondaFileError("uses a YAML alias (*name); write the packages out")
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise CondaFileError("has no list of dependencies; write it as conda's env.yml")
    return document
