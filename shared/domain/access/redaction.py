"""Take secrets out of what came from outside before any of it is kept, logged or answered; all else stays as it was.

What is taken for a secret: signatures, keys and codes in the query of an address, also of one inside another; passwords
before a host; bearer and JSON web tokens; keys in connection strings; and texts whose field is named like a secret.
"""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "REDACTED"
_DEEPEST = 64  # Real events never nest so deeply; deeper parts are cut.
_QUERY = (
    "sig|code|token|access_token|id_token|refresh_token|client_secret|password"
    "|x-functions-key|subscription-key|api[-_]key"
)
_PATTERNS = (
    re.compile(rf"(?P<keep>(?:[?&;]|%3f|%26)(?:{_QUERY})(?:=|%3d))(?:(?!%26)[^&;\s\"'<>#\\])+", re.IGNORECASE),
    re.compile(r"(?P<keep>://[^/?#\s:@]*:)[^/?#\s@]+(?=@)"),
    re.compile(r"(?P<keep>\bbearer\s+)[\w.~+/=-]{16,}", re.IGNORECASE),
    re.compile(r"(?P<keep>\bauthorization[\"']?\s*[:=]\s*[\"']?(?:\w+\s+)?)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(
        r"(?P<keep>\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd)=)[^;\s\"']+", re.IGNORECASE
    ),
    # The look-ahead runs once for each run of such characters: many beginnings without an end must stay linear.
    re.compile(r"(?<![\w-])(?=[\w-]{11,}\.[\w-]+\.)(?P<keep>[\w-]*?\b)eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),
)
_FIELDS = re.compile(
    "(access|account|api|sharedaccess|xfunctions?|function)key|(access|auth|id|refresh|sas)?token|authorization"
    "|(client)?secret|connectionstring|password|sas|sharedaccesssignature|sig"
)


def redacted(text: str) -> str:
    """*text* without secrets. The subject of a storage event is a path of the hub, and is left as it is."""
    # A blob may be called `sig=1.csv`. Its name must stay as it is, since everything is found by it.
    if text.startswith("/blobServices/"):
        return text
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<keep>{REDACTED}", text)
    return text


def without_secrets(value: Any, depth: int = 0) -> Any:
    """The JSON *value* with every text redacted; what lies too deep is cut."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping | list) and depth >= _DEEPEST:
        return "nested too deeply"
    if isinstance(value, Mapping):
        return {key: _field(key, item, depth + 1) for key, item in value.items()}
    return [without_secrets(item, depth + 1) for item in value] if isinstance(value, list) else value


def _field(name: Any, value: Any, depth: int) -> Any:
    secret = isinstance(value, str) and value and _FIELDS.fullmatch(re.sub(r"[^a-z]", "", str(name).lower()))
    return REDACTED if secret else without_secrets(value, depth)
