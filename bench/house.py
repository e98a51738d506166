"""The measures of the house, of any checkout: `python bench/house.py [FOLDER ...]` prints a column for each folder."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.architecture.measures import APP, PRODUCT, WORST_NAMES, Source, is_banned, modules_in_cycles

PROJECT = Path(__file__).parents[1]
RECORDS_AND_ADAPTERS = ("records", "adapters")


def measured(root: Path) -> dict[str, str]:
    """The measures of the checkout at *root*, by name."""
    product = Source.of(root)
    app = product.within(*APP)
    rows = {f"{folder}: files, lines": _size(product.within(folder)) for folder in PRODUCT}
    folder, modules = product.modules_by_folder().most_common(1)[0]
    rows["app: files, lines"] = _size(app)
    rows["fullest folder of the product"] = f"{folder}, {modules}"
    folder, modules = app.modules_by_folder().most_common(1)[0]
    rows["fullest folder of the app"] = f"{folder}, {modules}"
    lengths = [function.lines for function in product.functions()]
    rows["functions: number"] = str(len(lengths))
    rows["functions: median, p90, longest"] = ", ".join(
        str(lengths[at]) for at in (len(lengths) // 2, int(len(lengths) * 0.9), -1)
    )
    rows["files of at most 40 lines"] = _share(sum(lines <= 40 for lines in product.lines().values()), product)
    names = app.names()
    rows["app: found, said, made, told, given, there, asked, each"] = _part(names, WORST_NAMES.__contains__)
    rows["app: all bare participles and pronouns"] = _part(names, is_banned)
    rows["app: comments per 100 lines"] = f"{100 * app.comments() / sum(app.lines().values()):.1f}"
    rows["app: json.loads outside records and adapters"] = str(app.json_loads(RECORDS_AND_ADAPTERS).total())
    rows["app: public class names with several meanings"] = str(len(app.ambiguous_classes()))
    rows["product: public class names with several meanings"] = str(len(product.ambiguous_classes()))
    rows["modules in import cycles"] = str(len(modules_in_cycles(root)))
    return rows


def _size(source: Source) -> str:
    return f"{len(source.texts)}, {sum(source.lines().values()):,}"


def _share(count: int, source: Source) -> str:
    return f"{100 * count / len(source.texts):.0f} %"


def _part(names: Counter[str], choose: Callable[[str], bool]) -> str:
    """The share of those names that *choose* picks."""
    return f"{100 * sum(count for name, count in names.items() if choose(name)) / names.total():.1f} %"


def main() -> None:
    roots = [Path(folder).resolve() for folder in sys.argv[1:]] or [PROJECT]
    columns = [measured(root) for root in roots]
    for name in columns[0]:
        print("\t".join([name, *(column[name] for column in columns)]))


if __name__ == "__main__":
    main()
