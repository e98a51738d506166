"""`python -m shared.operations.local_dataset FILE...`: show what the files are together, without the app.

The options are those of `signalbox data profile`.
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
from shared.evidence_page.dataset import dataset_page
from shared.operations.local_profile import BROKEN, NOT_TRIED, WRITTEN

_LIMITS = ReaderLimits(seconds=120.0)


def profile_files(files: Sequence[Path], limits: ReaderLimits = _LIMITS) -> DatasetProfile:
    """The figures of *files*, or why there are none. A reader process reads them, within *limits*."""
    name, sizes = _name(files), {str(file): file.stat().st_size for file in files}
    profile = DatasetProfile(name=name, bytes=sum(sizes.values()))
    is_boxes = len(files) == 1 and suffix_of(files[0].name) == ".json"
    problem = folder_problem(DatasetKind.BOXES if is_boxes else DatasetKind.TABLE, sizes)
    if problem:
        return _with_table(profile, TableProfile(rows=0, problems=(f"{name} {problem}",)))
    tables = [local_file(file, str(file)) for file in files]
    pool = Readers(limits)
    try:
        return _boxes(pool, tables, profile) if is_boxes else _table(pool, tables, profile)
    except ReaderDied as death:
        return _with_table(profile, TableProfile(rows=0, problems=(f"{death.file or name}: {death.reason}",)))
    finally:
        pool.close()


def show_profile(files: Sequence[Path], out: Path | None, as_json: bool) -> int:
    """Write the page of *files*, print their figures where *as_json*, and give the exit code."""
    profile = profile_files(files)
    if as_json:
        print(json.dumps(encode(profile), indent=2))
    page = out if out or as_json else Path(f"{files[0].name}.html")
    if page is not None:
        page.write_text(dataset_page(profile), encoding="utf-8")
        print(f"wrote {page}: {_summary(profile)}", file=sys.stderr if as_json else sys.stdout)
    for problem in profile.problems:
        print(problem, file=sys.stderr)
    return BROKEN if profile.problems else WRITTEN


def _table(pool: Readers, tables: Sequence[TableFile], profile: DatasetProfile) -> DatasetProfile:
    message, _ = pool.ask("profile_table", tables, format_of(tables[0].name))
    return _with_table(profile, decode(TableProfile, message["end"]))


def _with_table(profile: DatasetProfile, table: TableProfile) -> DatasetProfile:
    return DatasetProfile(name=profile.name, bytes=profile.bytes, table=table)


def _boxes(pool: Readers, tables: Sequence[TableFile], profile: DatasetProfile) -> DatasetProfile:
    message, _ = pool.ask("describe_boxes", tables, (), ())
    return DatasetProfile(name=profile.name, bytes=profile.bytes, boxes=decode(BoxFacts, message["end"]))


def _name(files: Sequence[Path]) -> str:
    others = len(files) - 1
    return f"{files[0].name} and {others} more" if others else files[0].name


def _summary(profile: DatasetProfile) -> str:
    if profile.boxes is not None:
        return f"{profile.boxes.images} images, {sum(profile.boxes.labels.values())} boxes"
    table = profile.table or TableProfile(rows=0)
    return f"{table.rows} rows, {len(table.columns) + len(table.others)} columns"


def main(arguments: list[str]) -> int:
    """Show what *arguments* ask for, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m shared.operations.local_dataset")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        return show_profile(options.files, options.out, options.json)
    except (OSError, ReaderFailed) as error:
        print(error, file=sys.stderr)
        return NOT_TRIED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
