"""A package stays below what it may weigh, as far as the libraries that are installed here can say."""

from bench.package_size import BYTE_CODE, weigh_locked
from signalbox.projects.libraries import HEAVIEST_PACKAGE


def test_a_package_stays_below_250_megabytes() -> None:
    weights = weigh_locked()
    table = sorted(weights.shipped.items(), key=lambda row: -row[1])[:12]

    assert HEAVIEST_PACKAGE == 250_000_000
    assert sum(weights.shipped.values()) > 2 * BYTE_CODE, "the distributions were not found"
    assert weights.package < HEAVIEST_PACKAGE, f"{weights.package / 1e6:.1f} MB, of these {table}"
    assert 0 not in weights.saved.values(), "a rule leaves nothing out any more"
