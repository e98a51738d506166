"""What callers may send, a frozen dataclass each: decoded strictly, and described in the API's document."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from shared.domain.promotion.plans import Phase
from shared.validation.rules import Many, Name, OptionalName, Sentence, Text, Whole

PAGE = 100
_SEGMENT = r"(?!\.{1,2}(/|$))[^/\\\x00-\x1f\x7f]+"
_PLACE = rf"[a-z0-9](-?[a-z0-9]){{2,62}}(/{_SEGMENT})+"
HubPath: TypeAlias = Annotated[
    str,
    Text(longest=1024, pattern=_PLACE, means="container/path of a file in the hub, without . or .. on the way"),
]
LetterPath: TypeAlias = Annotated[
    str, Text(longest=1024, pattern=rf"{_SEGMENT}(/{_SEGMENT})*", means="a path that the list of dead letters says")
]
OptionalPlace: TypeAlias = Annotated[
    str,
    Text(
        shortest=0,
        longest=1024,
        pattern=rf"({_PLACE}/?)?",
        means="container/path of a file in the hub, or of a folder with / at its end; empty for none",
    ),
]
FileName: TypeAlias = Annotated[str, Text(longest=1024, pattern=_SEGMENT, means="the name of a file, without a folder")]
Cursor: TypeAlias = Annotated[str, Text(shortest=0, longest=512, pattern=r"[A-Za-z0-9_=-]*")]
Limit: TypeAlias = Annotated[int, Whole(least=1, most=PAGE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilters:
    route: OptionalName = ""
    outcome: OptionalName = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceAsked:
    """*name* as the run's predictions list it; *offset* in bytes."""

    name: FileName
    offset: Annotated[int, Whole(least=0, most=2**53)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceAsked:
    """Score the files at *paths* (container/path in the hub) by *route*, as one batch."""

    route: Name
    paths: Annotated[tuple[HubPath, ...], Many(fewest=1, most=1000, different=True)]
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """Score a run's files again: by today's configuration, or, where *as_it_was*, by that of the run."""

    reason: Sentence
    as_it_was: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWanted:
    """The last *lines* lines of *file*, by the name that the answer's list gives it; the most telling one without."""

    file: Annotated[str, Text(shortest=0, longest=1024)] = ""
    lines: Annotated[int, Whole(least=1, most=2000)] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilters:
    limit: Limit = PAGE
    cursor: Annotated[str, Text(shortest=0, longest=6000, pattern=r"[A-Za-z0-9_=-]*")] = ""  # It may hold a path.


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order on a run or a schedule: whoever signs in gives it, and says why."""

    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFilters:
    """*after*: the name that the page before ended with."""

    after: OptionalName = ""
    limit: Annotated[int, Whole(least=1, most=PAGE)] = PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheckAsked:
    """*path* is container/path in the hub; *route* the one whose contract the file must meet."""

    path: HubPath
    route: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterNamed:
    """*path* as the list says it."""

    path: LetterPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """*path* as the list says it; nothing happens unless *dry_run* is false."""

    path: LetterPath
    dry_run: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsked:
    """*model* is NAME:VERSION, *to* a stage; *source* the environment, unless it is the stage's own."""

    model: Name
    to: Name
    source: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionAsked:
    """One *model* or several *models* (NAME:VERSION), all or none where *atomic*; *plan* is one that was shown."""

    to: Name
    reason: Sentence
    model: OptionalName = ""
    models: Annotated[tuple[Name, ...], Many(fewest=2, most=50, different=True)] = ()
    source: OptionalName = ""
    plan: Any = None
    break_glass: bool = False
    atomic: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFilters:
    model: OptionalName = ""
    fate: OptionalName = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFilters:
    stage: OptionalName = ""
    phase: Phase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """*evidence* is the digest on the page that the caller has looked at."""

    role: Name
    evidence: Name
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Of several decisions that are not used yet the newest; *phase* means the consent to break that phase's glass."""

    role: Name
    stage: OptionalName = ""
    phase: Phase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBroken:
    role: Name
    stage: Name
    evidence: Name
    reason: Sentence
    phase: Phase = Phase.EXIT


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryAsked:
    version: Name
    environment: Name
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingAsked:
    """*data* is a file (container/path), or a folder that ends with a slash, to be trained on as well."""

    reason: Sentence
    data: OptionalPlace = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilters:
    """*at*: up to this time, ISO 8601, UTC where it names no zone."""

    at: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftAsked:
    """The file at *path* (container/path in the hub), as *route* would read it, beside the reference of its model."""

    path: HubPath
    route: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceAsked:
    """What the columns of the table at *path* tell about *target*; the same *seed* gives the same answer."""

    path: HubPath
    target: Name
    resamples: Annotated[int, Whole(least=0, most=1000)] = 100
    bins: Annotated[int, Whole(least=2, most=20)] = 5
    seed: Annotated[int, Whole(least=0, most=2**31 - 1)] = 0
