"""What a path pattern or template in the configuration may look like; each problem comes with its remedy.

Stricter than `shared.domain.paths.patterns` can match: what is refused here would surprise its author in the hub.
"""

import re
from collections.abc import Iterator

from shared.domain.inference.routes import Group, Grouping
from shared.domain.paths import patterns

CONTAINER = re.compile(r"(?![a-z0-9-]{64})[a-z0-9](-?[a-z0-9]){2,62}")  # Azure: 3 to 63, no two dashes together.
FILLED = ("run", "route", "model", "version", "date")  # What a publish template may use besides captures.
_CAPTURE = re.compile(r"\{[A-Za-z_]\w*\}")

Problem = tuple[str, str]


def take_problems(take: str, group: Group) -> Iterator[Problem]:
    yield from _path_problems(take)
    folders = take.split("/")
    if any("**" in segment and segment != "**" for segment in folders):
        yield f"is {take!r} with ** inside a name", "let ** stand alone between slashes, like landing/**/{name}.csv"
    if group.kind is not Grouping.EACH and folders[-1] == "**":
        yield f"is {take!r}, which has no folder to group by", "end it with a file's name, like /**/{name}.csv"
    for name in sorted({*patterns.captures_of(take)} & {*FILLED}):
        yield f"captures {{{name}}}, which publish fills itself", f"choose another name than {', '.join(FILLED)}"
    for pattern in (take, f"{take.rpartition('/')[0]}/"):  # Files are grouped by the folder's captures.
        for name in patterns.unanchored(pattern):
            problem = f"is {take!r}, where {{{name}}} repeats and {pattern!r} has no folder that is {{{name}}} alone"
            yield problem, "give each place a name of its own, or let one of them be a whole folder's name"


def publish_problems(publish: str, take: str, group: Group) -> Iterator[Problem]:
    """*publish* can use all captures of *take* where a run has one file, and those of its folders elsewhere.

    An empty *take* (one that is wrong itself) is not held against it.
    """
    yield from template_problems(publish.rstrip("/"))
    source = take if group.kind is Grouping.EACH else take.rpartition("/")[0]
    names_at_hand, names_in_use = {*patterns.captures_of(source), *FILLED}, patterns.captures_of(publish)
    for name in names_in_use:
        if take and name not in names_at_hand:
            yield f"uses {{{name}}}", f"use one of {', '.join(sorted(names_at_hand))}"
    if "run" not in names_in_use:
        yield f"is {publish!r} without {{run}}", "add {run}, so that no run can overwrite another"


def template_problems(template: str) -> Iterator[Problem]:
    """*template* names one file, once its captures are filled."""
    yield from _path_problems(template)
    if "*" in template or "?" in template:
        yield f"is {template!r}; a template has no wildcards", "write the place out, or use captures"


def folder_problems(pattern: str) -> Iterator[Problem]:
    """*pattern* names files without capturing anything: what lies in a folder, of any depth."""
    yield from _path_problems(pattern)
    if patterns.captures_of(pattern):
        yield f"is {pattern!r} with a capture", "use wildcards: **, * and ?"
    if pattern == patterns.fixed_prefix(pattern):
        yield f"is {pattern!r}, which names one file", "name a folder's files, like container/path/**"


def file_name_problem(name: str) -> str | None:
    """Why *name* is not a plain file name, or None."""
    return f"is {name!r}, which is not a plain name" if name in (".", "..") or re.search(r"[/\\{}]", name) else None


def same_files(take: str) -> str:
    """*take* with its captures unnamed: equal for patterns that take exactly the same files."""
    return take if len(set(patterns.captures_of(take))) < take.count("{") else _CAPTURE.sub("{}", take)


def _path_problems(path: str) -> Iterator[Problem]:
    container, _, blob_name = path.partition("/")
    if not blob_name or not CONTAINER.fullmatch(container):
        yield f"is {path!r}", "write CONTAINER/PATH with the container spelled out: 3 to 63 of a-z, 0-9, -"
        return
    if re.search(r"[{}]", _CAPTURE.sub("", path)):
        yield f"is {path!r} with a brace that names nothing", "write captures as {name}"
    if "\\" in path or not path.isprintable():
        yield f"is {path!r}", "use forward slashes and no control characters"
    if any(segment in ("", ".", "..") for segment in blob_name.split("/")):
        yield f"is {path!r} with an empty or dotted segment", "write every folder by its name"
