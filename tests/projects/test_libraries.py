"""The libraries of a package: locked, without what never runs, loaded whole, and refused where something is missing."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow
import pytest

from signalbox.projects import libraries
from signalbox.projects.libraries import LIBRARIES, NotPackaged, add_libraries, weigh
from signalbox.projects.pruning import Rule, files_left_out, files_to_strip
from signalbox.projects.shared_objects import read_shared_object

ARROW = Path(pyarrow.__file__).parent
linux = pytest.mark.skipif(sys.platform != "linux", reason="shared objects of Linux")

TINY = {
    "tiny/__init__.py": "def answer() -> int:\n    return 42\n",
    "tiny/part.py": "",
    "tiny/unloaded.py": "",
    "tiny/part.pyi": "",
    "tiny/fast.c": "",
    "tiny/include/tiny.h": "",
    "tiny/tests/__init__.py": "",
    "tiny/tests/helpers.py": "",
    "tiny-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n",
    "tiny-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny-1.dist-info/RECORD": "",
}


def package_of(folder: Path, body: str) -> Path:
    """A package whose app is one function with *body*, and whose lock has one small library."""
    package, wheel = folder / "app", folder / "tiny-1-py3-none-any.whl"
    for room in ("activities", "orchestrators", "shared", "triggers"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text("")
    (package / "activities" / "work.py").write_text(f"def work():\n    {body}\n")
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in TINY.items():
            archive.writestr(name, text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (package / "requirements.txt").write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{digest}\n")
    return package


@linux
def test_a_package_is_loaded_whole_and_has_byte_code_of_what_it_loads(tmp_path: Path) -> None:
    package = package_of(tmp_path, "from tiny import answer, part; import signalbox_is_not_there")

    weight = add_libraries(package, sys.executable)

    site = package / LIBRARIES
    shipped = {path.relative_to(site / "tiny").as_posix() for path in (site / "tiny").rglob("*") if path.is_file()}
    tag = f"{sys.implementation.cache_tag}.pyc"
    assert shipped == {
        *("__init__.py", "part.py", "unloaded.py", f"__pycache__/__init__.{tag}", f"__pycache__/part.{tag}"),
    }
    assert weight.package == weigh(package)
    (site / "tiny" / "__init__.py").touch()  # An archive keeps no times.
    program = f"import sys; sys.path.insert(0, {str(site)!r}); import tiny"
    loud = subprocess.run([sys.executable, "-I", "-v", "-c", program], capture_output=True, text=True, check=True)
    assert f"matches {site}/tiny/__init__.py" in loud.stderr


@linux
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import tiny.tests.helpers", "the app imports tiny.tests, which is left out as one of the tests"),
        ("from tiny.tests import helpers", "the app imports tiny.tests, which is left out as one of the tests"),
    ],
)
def test_what_is_left_out_and_imported_is_refused(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(NotPackaged, match=message):
        add_libraries(package_of(tmp_path, body), sys.executable)


@linux
def test_another_file_than_the_locked_one_and_too_much_weight_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = package_of(tmp_path, "pass")
    lock = (package / "requirements.txt").read_text()
    (package / "requirements.txt").write_text(f"{lock.rsplit(':', 1)[0]}:{'0' * 64}\n")
    with pytest.raises(NotPackaged, match="the locked libraries cannot be installed"):
        add_libraries(package, sys.executable)

    (package / "requirements.txt").write_text(lock)
    monkeypatch.setattr(libraries, "HEAVIEST_PACKAGE", 100)
    with pytest.raises(NotPackaged, match=r"weighs 0 MB unpacked, more than 0; most of it are tiny.* \(0 MB\)"):
        add_libraries(package, sys.executable)


@linux
def test_a_shared_object_says_what_it_needs() -> None:
    module = next(ARROW.glob("_parquet.*.so"))
    found, library = read_shared_object(module), read_shared_object(next(ARROW.glob("libparquet.so.*")))

    assert found is not None
    assert library is not None
    assert library.soname in found.needs
    assert 0 < library.symbols < next(ARROW.glob("libparquet.so.*")).stat().st_size / 2
    assert read_shared_object(ARROW / "__init__.py") is None


@linux
def test_arrow_keeps_what_its_modules_need_and_nothing_else() -> None:
    folder = ARROW.parent
    files = [PurePosixPath(path.relative_to(folder)) for path in ARROW.iterdir() if path.is_file()]
    left_out = files_left_out(folder, files)
    names = {name.name.split(".")[0]: rule for name, rule in left_out.items() if ".so" in name.name}

    assert names["_flight"] == names["_s3fs"] == names["_substrait"] == Rule.ARROW
    assert names["libarrow_flight"] == names["libarrow_s3"] == Rule.UNNEEDED
    assert not {"_parquet", "_csv", "_json", "_compute", "lib", "libarrow", "libparquet", "libarrow_compute"} & set(
        names
    )


@linux
def test_files_that_auditwheel_has_moved_about_keep_their_symbols() -> None:
    folder = Path(np.__file__).parents[1]
    files = [PurePosixPath(path.relative_to(folder)) for path in (folder / "numpy").rglob("*.so")]
    arrow = [PurePosixPath("pyarrow", path.name) for path in ARROW.glob("libarrow.so.*")]

    assert (folder / "numpy.libs").is_dir()
    assert files_to_strip(folder, files) == {}
    assert set(files_to_strip(folder, arrow)) == set(arrow)
