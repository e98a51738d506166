"""What holds for every test: properties are judged by what they find, never by how long one example takes.

The tests that share one local cloud come first: they are the longest chain, and other workers do the rest beside it.
"""

import gc
import os
import signal
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

from tests.amounts import WHOLE

if "SIGNALBOX_RECORD" in os.environ:  # The host's libraries, which most single tests do without.
    from tests.replay.recording import scene, seen  # noqa: F401 (fixtures)

gc.disable()  # Collecting makes millions of objects and hardly any garbage.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("short", UNTIMED, max_examples=30)
settings.register_profile("whole", UNTIMED, max_examples=100)
settings.load_profile("whole" if WHOLE else "short")
_LONGEST_ID = 200
_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 6 * 1024**3  # A run needs about one gigabyte; several may go on at once, beside other programs.


def pytest_configure() -> None:
    """Folders of tests lie in memory where they fit: a thousand hosts with a database each would wait for the disk.

    It was half of the time. Nothing that a test looks at differs: a killed process loses nothing of either.

    A shell's background ignores Ctrl-C, and so would every process that a test starts and interrupts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ and _has_room_in_memory():
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(_MEMORY)


def _has_room_in_memory() -> bool:
    if not (_MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)):
        return False
    memory, facts = os.statvfs(_MEMORY), Path("/proc/meminfo").read_text(encoding="ascii")
    runs_programs = not memory.f_flag & os.ST_NOEXEC  # Tests make virtual environments.
    available = next((1024 * int(line.split()[1]) for line in facts.splitlines() if line[:13] == "MemAvailable:"), 0)
    return runs_programs and min(available, memory.f_bavail * memory.f_frsize) >= _ENOUGH_BYTES


def pytest_sessionstart(session: pytest.Session) -> None:
    """Each worker imports a share of its own first, so that a fresh clone's modules are compiled once, not by each.

    pytest compiles the asserts of a module when it is first imported, which takes longer than all else of collecting.
    """
    folder = Path(__file__).parent
    if "PYTEST_XDIST_WORKER" not in os.environ or [Path(name).name for name in session.config.args] != [folder.name]:
        return
    number, count = int(os.environ["PYTEST_XDIST_WORKER"][2:]), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in sorted(folder.rglob("test_*.py"))[number::count]:
        with suppress(Exception):  # Collecting it will say what is wrong with it.
            import_module(".".join(path.relative_to(folder.parent).with_suffix("").parts))


def pytest_make_parametrize_id(val: object) -> str | None:
    """A long value is named by its beginning and its length: pytest hands each name around many times, and to xdist."""
    if not isinstance(val, str | bytes) or len(val) <= _LONGEST_ID:
        return None
    start = val[:40]
    escaped = start.encode("unicode_escape") if isinstance(start, str) else repr(start)[2:-1].encode()
    return f"{escaped.decode()}... of {len(val)}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=_rank)
    if not WHOLE:
        left_out = [item for item in items if item.get_closest_marker("proof")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("proof")]


class _Scheduling(LoadGroupScheduling):
    """xdist's, which forgets what is done: after each test it counts through all that its worker was ever given."""

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        super().mark_test_complete(node, item_index, duration)
        units = self.assigned_work[node]
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(units[scope].values()):
            del units[scope]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling | None:
    return _Scheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not look through it again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _rank(item: pytest.Item) -> int:
    group = item.get_closest_marker("xdist_group")
    return 2 if group is None else 0 if group.args[0] == "onemachine" else 1
