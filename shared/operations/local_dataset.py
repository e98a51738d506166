"""`python -m shared.operations.local_dataset FILE...`: print what the files are together as JSON, without the app.

`signalbox data profile` draws it: what draws is no part of the app.
It ends with 0 where figures were made, 1 where the files cannot be read, 2 where nothing could be tried.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.adapters.reader.files import TableFile, local_file
from shared.adapters.reader.limits import ReaderLimits
from shared.adapters.reader.pool import Readers
from shared.adapters.reader.process import ReaderDied, ReaderFailed
from shared.codec import decode, encode
from shared.domain.datasets.contents import BoxFacts, folder_problem, format_of, suffix_of
from shared.domain.datasets.profile import DatasetProfile, TableProfile
from shared.domain.datasets.rules import DatasetKind
from shared.operations.local_profile import BROKEN, NOT_TRIED, WRITTEN

_LIMITS = ReaderLimits(seconds=120.0)


def profile_files(files: Sequence[Path], columns: Sequence[str] = (), limits: ReaderLimits = _LIMITS) -> DatasetProfile:
    """The figures of *files*, or why there are none. A reader process reads them, within *limits*.

    *columns* are the names of those to describe, or patterns of names; all, up to a bound, where there are none.
    """
    name, sizes = _name(files), {str(file): file.stat().st_size for file in files}
    profile = DatasetProfile(name=name, bytes=sum(sizes.values()))
    is_boxes = len(files) == 1 and suffix_of(files[0].name) == ".json"
    problem = folder_problem(DatasetKind.BOXES if is_boxes else DatasetKind.TABLE, sizes)
    if problem:
        return _with_table(profile, TableProfile(rows=0, problems=(f"{name} {problem}",)))
    tables = [local_file(file, str(file)) for file in files]
    pool = Readers(limits)
    try:
        return _boxes(pool, tables, profile) if is_boxes else _table(pool, tables, profile, columns)
    except ReaderDied as death:
        return _with_table(profile, TableProfile(rows=0, problems=(f"{death.file or name}: {death.reason}",)))
    finally:
        pool.close()


def _table(
    pool: Readers, tables: Sequence[TableFile], profile: DatasetProfile, columns: Sequence[str]
) -> DatasetProfile:
    message, _ = pool.ask("profile_table", tables, format_of(tables[0].name), tuple(columns))
    return _with_table(profile, decode(TableProfile, message["end"]))


def _with_table(profile: DatasetProfile, table: TableProfile) -> DatasetProfile:
    return DatasetProfile(name=profile.name, bytes=profile.bytes, table=table)


def _boxes(pool: Readers, tables: Sequence[TableFile], profile: DatasetProfile) -> DatasetProfile:
    message, _ = pool.ask("describe_boxes", tables, (), ())
    return DatasetProfile(name=profile.name, bytes=profile.bytes, boxes=decode(BoxFacts, message["end"]))


def _name(files: Sequence[Path]) -> str:
    others = len(files) - 1
    return f"{files[0].name} and {others} more" if others else files[0].name


def main(arguments: list[str]) -> int:
    """Print the figures that *arguments* ask for, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m shared.operations.local_dataset")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--column", dest="columns", action="append", default=[])
    options = parser.parse_args(arguments)
    try:
        profile = profile_files(options.files, options.columns)
    except (OSError, ReaderFailed) as error:
        print(error, file=sys.stderr)
        return NOT_TRIED
    print(json.dumps(encode(profile), indent=2))
    for problem in profile.problems:
        print(problem, file=sys.stderr)
    return BROKEN if profile.problems else WRITTEN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
