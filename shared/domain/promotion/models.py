"""A model version, exactly named, and the flag that asks for its promotion. Labels, ranges and `latest` are refused."""

import re
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.failures import Refused

FLAG = "signalbox.promote"  # The metadata tag that asks for a promotion.
HELD = "signalbox.held"  # The tag that says why a version went no further.
BUNDLE = "signalbox.bundle"  # The tag with the folder of what travels with the model.
DIGEST = "signalbox.digest"  # The bundle's content.
PROVENANCE = "signalbox.provenance"  # The tag with the folder of the statement that says where the bundle comes from.
PROMOTION = "signalbox.promotion"  # Who brought it here.
MODEL = "signalbox.model"  # Of a deployment: the version that it serves.
STATE = "signalbox.state"  # Of an entry of the central registry.
APPROVED_BY = "signalbox.approved_by"
SERVED = "signalbox.served"  # Of an entry: where it has all traffic and since when, or had it and until when.

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}"
_EXACT = re.compile(rf"({_NAME}):(v?[0-9]+(?:[._-][A-Za-z0-9]+)*)")
_NUMBER = re.compile(r"[0-9]+")
_FLAG = re.compile(
    r"(?P<model>\S+) -> (?P<stage>[a-z0-9-]+)"
    r"(?: with (?P<beside>\S+(?:, \S+)*))?(?: \((?P<digest>sha256:[0-9a-f]{64})\))?"
)


class EntryState(StrEnum):
    """Where an entry of the central registry stands; only the interlocking moves it."""

    CANDIDATE = "candidate"
    APPROVED = "approved"
    IN_PRODUCTION = "in production"
    RETIRED = "retired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ModelVersion:
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    @classmethod
    def of_asset(cls, asset: str) -> "ModelVersion | None":
        """The version that an ARM id or an `azureml:NAME:VERSION` names; None for forms that name none."""
        parts = asset.strip("/").split("/")
        if len(parts) >= 4 and parts[-4] == "models" and parts[-2] == "versions":
            return cls(name=parts[-3], version=parts[-1])
        name, separator, version = parts[-1].removeprefix("azureml:").rpartition(":")
        return cls(name=name, version=version) if separator else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """*digest* is the bundle's when it was flagged, empty where the flag was set by hand.

    *beside* are the versions that it is to climb with, each of which must name the others in its own flag.
    """

    model: ModelVersion
    stage: str
    digest: str = ""
    beside: tuple[ModelVersion, ...] = ()


def exact_model(text: str) -> ModelVersion:
    """The version that *text* names. Raises Refused for anything that could name another one tomorrow."""
    model = exact_or_none(text)
    if model is None:
        raise Refused(f"model {text!r} is not exact; write NAME:VERSION, such as churn:12 (no `latest`, no ranges)")
    return model


def exact_or_none(text: str) -> ModelVersion | None:
    """The version that *text* names; None where it names none, such as the model of what was deployed by hand."""
    parts = _EXACT.fullmatch(text)
    return ModelVersion(name=parts[1], version=parts[2]) if parts else None


def is_later(model: ModelVersion, other_model: ModelVersion) -> bool:
    """Whether *model* is a later version than *other_model*, by the numbers in both: 10 comes after 9."""
    own_numbers, other_numbers = (
        [int(part) for part in _NUMBER.findall(version.version)] for version in (model, other_model)
    )
    return own_numbers > other_numbers


def read_flag(text: str, carrier: ModelVersion) -> Flag:
    """The flag in tag *text* of *carrier*. Raises Refused where it is unreadable or names another version.

    A tag that was copied from another version (as retraining pipelines do) still names that other version.
    """
    parts = _FLAG.fullmatch(text.strip())
    if not parts:
        raise Refused(f"tag {FLAG} of {carrier} is {text!r}; write '{carrier} -> STAGE'")
    flag_model = exact_model(parts["model"])
    if flag_model != carrier:
        raise Refused(f"tag {FLAG} of {carrier} names {flag_model}; flag the version itself: '{carrier} -> STAGE'")
    companions = sorted({exact_model(name) for name in parts["beside"].split(", ")}) if parts["beside"] else []
    if carrier in companions:
        raise Refused(f"tag {FLAG} of {carrier} names it twice; after 'with' name the others")
    return Flag(model=flag_model, stage=parts["stage"], digest=parts["digest"] or "", beside=tuple(companions))


def write_flag(flag: Flag) -> str:
    beside = f" with {', '.join(map(str, flag.beside))}" if flag.beside else ""
    return f"{flag.model} -> {flag.stage}{beside}" + (f" ({flag.digest})" if flag.digest else "")
