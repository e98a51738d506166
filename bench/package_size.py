"""What a package weighs unpacked, by dependency: as installed, and without what `signalbox package` leaves out.

    python bench/package_size.py

It reads the distributions that are installed here and builds nothing. `signalbox package` says what a package really
weighs, and refuses one that is too heavy.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

from signalbox.projects.libraries import HEAVIEST_PACKAGE
from signalbox.projects.package import APP_PARTS
from signalbox.projects.pruning import files_left_out, files_to_strip

PROJECT = Path(__file__).parents[1]
# Of the modules that are loaded when a package is made (`signalbox.projects.loading`): 37 MB on Python 3.13.
BYTE_CODE = 40_000_000
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Bytes by distribution, as installed (without byte code) and as shipped; and what each rule leaves out."""

    installed: Mapping[str, int]
    shipped: Mapping[str, int]
    saved: Mapping[str, int]
    app: int

    @property
    def package(self) -> int:
        return sum(self.shipped.values()) + self.app + BYTE_CODE


def locked_names() -> list[str]:
    """The distributions that `requirements.txt` installs on this platform."""
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    pins = [Requirement(line.rstrip(" \\")) for line in lines if line and not line.startswith((" ", "#"))]
    return [pin.name for pin in pins if pin.marker is None or pin.marker.evaluate()]


def weigh_locked() -> Weights:
    folder = Path(str(distribution("numpy").locate_file("")))
    owners = {PurePosixPath(file): name for name in locked_names() for file in distribution(name).files or ()}
    sizes = {
        file: (folder / file).stat().st_size
        for file in owners
        if ".." not in file.parts and file.suffix != ".pyc" and (folder / file).is_file()
    }
    left_out = files_left_out(folder, sizes)
    symbols = files_to_strip(folder, sizes.keys() - left_out.keys())
    saved = Counter({"symbols of shared objects": sum(symbols.values())})
    for file, rule in left_out.items():
        saved[str(rule)] += sizes[file]
    kept = {file: size - symbols.get(file, 0) for file, size in sizes.items() if file not in left_out}
    parts = (path for name in APP_PARTS for path in (PROJECT / name, *(PROJECT / name).rglob("*")))
    return Weights(
        installed=_by_owner(sizes, owners),
        shipped=_by_owner(kept, owners),
        saved=saved,
        app=sum(path.stat().st_size for path in parts if path.is_file() and path.suffix != ".pyc"),
    )


def _by_owner(sizes: Mapping[PurePosixPath, int], owners: Mapping[PurePosixPath, str]) -> Mapping[str, int]:
    totals: Counter[str] = Counter()
    for file, size in sizes.items():
        totals[owners[file]] += size
    return totals


def main() -> None:
    weights = weigh_locked()
    heaviest = sorted(weights.shipped, key=lambda name: weights.installed[name], reverse=True)
    others = heaviest[_SHOWN:]
    print("| dependency | installed, MB | shipped, MB |\n|---|---|---|")
    for name in heaviest[:_SHOWN]:
        print(f"| {name} | {weights.installed[name] / 1e6:.1f} | {weights.shipped[name] / 1e6:.1f} |")
    rest = [sum(side[name] for name in others) / 1e6 for side in (weights.installed, weights.shipped)]
    print(f"| {len(others)} others | {rest[0]:.1f} | {rest[1]:.1f} |")
    print(f"| the app | {weights.app / 1e6:.1f} | {weights.app / 1e6:.1f} |")
    print(f"| byte code of what is loaded | | {BYTE_CODE / 1e6:.1f} |")
    total = sum(weights.installed.values()) + weights.app
    print(f"| together, of {HEAVIEST_PACKAGE / 1e6:.0f} | {total / 1e6:.1f} | {weights.package / 1e6:.1f} |")
    print("\n| left out | MB |\n|---|---|")
    for rule, size in sorted(weights.saved.items(), key=lambda row: -row[1]):
        print(f"| {rule} | {size / 1e6:.1f} |")


if __name__ == "__main__":
    main()
