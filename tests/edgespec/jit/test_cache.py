"""Machine code is that of the sources, wherever and whether it is kept."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import edgespec
from edgespec.jit import cache, cache_folder, kernel
from edgespec.jit.progress import CompilingNotice
from edgespec.jit.sources import digest_of
from tests.made.observer import environment

PACKAGE = Path(edgespec.__file__).parent

#: A kernel that takes a moment to compile, the file of a function that it calls, and one of a
#: constant that reaches it through that.
KERNELS = {
    "plain.py": "from edgespec.jit import kernel\n\n@kernel\ndef run(x):\n    return x + 1\n",
    "kernels.py": "from edgespec.jit import kernel\nfrom edgespec.near import stepped\n\n"
    "@kernel\ndef run(x):\n    return stepped(x)\n",
    "near.py": "from edgespec.far import STEP\nfrom edgespec.jit import scalar\n\n"
    "@scalar\ndef stepped(x):\n    return x + STEP\n",
    "far.py": "STEP = 1\n",
}
TINY = "from edgespec.kernels import run\nprint(run(1), sum(run.stats.cache_hits.values()))\n"
BOTH = TINY + "from edgespec.plain import run as other\nother(1)\n"
CHANGES = {
    "a function": ("near.py", "return x + STEP", "return x * 7 + STEP", "8"),
    "a constant": ("far.py", "STEP = 1", "STEP = 4", "5"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and some kernels more, alone in a folder."""
    ignore = shutil.ignore_patterns("__pycache__", "models")
    shutil.copytree(PACKAGE, tmp_path / "copy" / "edgespec", ignore=ignore)
    for name, text in KERNELS.items():
        (tmp_path / "copy" / "edgespec" / name).write_text(text)
    return tmp_path / "copy"


def run(copy: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code beside a copy of the package, with the compiler on."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "PYTHON", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-c", f"import numpy as np\n{code}"],
        cwd=copy,
        env=kept | {"PYTHONPATH": str(copy), "HOME": str(copy)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )


def result(copy: Path, code: str, **environment: str) -> tuple[str, int]:
    """Return what the code printed: a value, and how much came from the cache."""
    value, n_hits = run(copy, code, **environment).stdout.split()
    return value, int(n_hits)


@pytest.mark.parametrize(
    ("change", "is_named"), [("a function", True), ("a constant", False)], ids=CHANGES
)
def test_a_change_in_another_file_is_seen(copy: Path, change: str, is_named: bool) -> None:
    name, old, new, after = CHANGES[change]
    named = {"NUMBA_CACHE_DIR": str(copy / "kept")} if is_named else {}
    assert result(copy, TINY, **named) == ("2", 0)
    assert result(copy, TINY, **named) == ("2", 1)
    file = copy / "edgespec" / name
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    assert result(copy, TINY, **named) == (after, 0)
    # A version one may go back to is still there.
    file.write_text(text)
    assert result(copy, TINY, **named) == ("2", 1)


def test_tests_and_the_processes_that_they_start_compile_for_each_other() -> None:
    assert environment()["NUMBA_CACHE_DIR"] == numba.config.CACHE_DIR != ""


def test_torn_files_are_compiled_anew(copy: Path) -> None:
    value, _ = result(copy, TINY)
    for pattern in ("*.nbc", "*.nbi"):
        kept = list((copy / "edgespec" / "__pycache__").rglob(pattern))
        assert kept
        for file in kept:
            file.write_bytes(b"")
        assert result(copy, TINY) == (value, 0)
        assert result(copy, TINY) == (value, 1)


def test_o1_where_nothing_can_be_written_kernels_run_uncached_and_say_so_once(copy: Path) -> None:
    (copy / "edgespec" / "__pycache__").write_text("no folder, even for root")
    (copy / ".cache").write_text("")
    done = run(copy, BOTH, PYTHONDONTWRITEBYTECODE="1")
    assert done.stdout.split() == ["2", "0"]
    assert done.stderr.count("cannot be kept") == 1
    assert "NUMBA_CACHE_DIR" in done.stderr


def test_o1_a_full_disk_stops_no_kernel(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def save(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.FunctionCache, "save_overload", save)
    cache._say_uncached.cache_clear()
    for _ in range(2):
        cache._Cache(test_o1_a_full_disk_stops_no_kernel).save_overload(None, None)
    assert caplog.text.count("No space left on device") == 1
    cache._say_uncached.cache_clear()


MADE = """
import sys
from numba import types
from edgespec.jit import ahead, scalar

@scalar
def more(x, by):
    return x + by

@scalar
def less(x, by):
    return x - by

def compiled(*step):
    @ahead(types.int64(types.int64))
    def run(x):
        function, by = step
        return function(x, by)

    return run

steps = {"more": (more, 2), "less": (less, 2), "much": (more, 9)}
made = [compiled(*steps[name]) for name in sys.argv[1:]]
results = [run(1) for run in made]
print(*results, "found", sum(sum(run.stats.cache_hits.values()) for run in made))
"""


def test_a_closure_is_found_again_by_its_constants_and_functions(copy: Path) -> None:
    (copy / "made.py").write_text(MADE)

    def said(*names: str) -> str:
        return run(copy, f"import sys\nsys.argv[1:] = {names}\nimport made").stdout.strip()

    assert said("more") == "3 found 0"
    assert said("less") == "-1 found 0"
    assert said("more", "much") == "3 10 found 1"
    assert said("much", "less", "more") == "10 -1 3 found 3"


def test_folders_of_earlier_sources_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache.numba.config, "CACHE_DIR", str(tmp_path))
    file = tmp_path / "room" / "kernels.py"
    file.parent.mkdir()
    (other := tmp_path / "edgespec" / "another-1").mkdir(parents=True)
    folders = []
    for n in range(5):
        file.write_text(f"LIMIT = {n}\n")
        cache._folder.cache_clear()
        cache.digest_of.__globals__["_read"].cache_clear()
        folder = cache_folder(str(file))
        assert folder is not None
        folders.append(folder)
        os.utime(folder, (n, n))
    cache._folder.cache_clear()
    assert [folder.is_dir() for folder in folders] == [False, False, True, True, True]
    assert other.is_dir()


def test_kernels_depend_on_what_they_import_and_on_nothing_else(copy: Path) -> None:
    code = "from edgespec.jit.sources import digest_of\nfrom pathlib import Path\nprint(*("
    names = ["dsp/lanes.py", "dsp/compiled_frames.py", "detect/compiled.py"]
    code += ", ".join(f"digest_of(Path('edgespec/{name}').resolve())" for name in names) + "))"

    def digests() -> list[str]:
        return run(copy, code).stdout.split()

    before = digests()
    assert before == [digest_of(PACKAGE / name) for name in names]
    for name, changed in {
        "dsp/butterflies.py": [True, True, False],
        "jit/decorators.py": [True, True, True],
        "cli.py": [False, False, False],
    }.items():
        file = copy / "edgespec" / name
        text = file.read_text()
        file.write_text(text + "\n# more\n")
        assert [a != b for a, b in zip(before, digests(), strict=True)] == changed, name
        file.write_text(text)


def test_o12_a_line_before_anything_compiles_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    now_s = [0.0]
    notice = CompilingNotice(lambda: now_s[0])
    for n in range(100):
        notice.begin(f"loop_{n}")
        now_s[0] += 0.5
    messages = [record.message for record in caplog.records]
    assert "compiling loops for this processor" in messages[0]
    assert "only once" in messages[0]
    assert messages[1] == "compiled 6 loops, now loop_6"
    assert len(messages) == 1 + 49 // 3


def test_nobody_is_sent_to_a_doctor_that_does_not_help(caplog: pytest.LogCaptureFixture) -> None:
    """It warms what an observer runs, and not a central unit."""
    caplog.set_level("INFO")
    for module in ("edgespec.twin.detectors.grid_kernels", "edgespec.dsp.kernels"):
        CompilingNotice().begin("loop", module)
    assert ["doctor --warm" in record.message for record in caplog.records] == [False, True]


def test_loops_of_the_simulation_are_not_said_to_be_the_observer_s(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With ``--computing plain`` nothing of the observer is compiled."""
    caplog.set_level("INFO")
    notice = CompilingNotice()
    for module in ("edgespec.simulate.grid_loops", "edgespec.simulate.normal_loops", "edgespec.x"):
        notice.begin("loop", module)
    first, second = (record.message for record in caplog.records)
    assert "of the simulation" in first
    assert "for this processor" in second


def test_o12_every_kernel_that_is_not_in_the_cache_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(cache.NOTICE, "begin", lambda name, module: seen.append(name))
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    cache._folder.cache_clear()
    made = kernel(_plus_one)
    if made is _plus_one:
        pytest.skip("the compiler is off")
    assert made(1) == 2
    assert seen == ["_plus_one"]
    assert kernel(_plus_one)(2) == 3
    assert seen == ["_plus_one"]
    cache._folder.cache_clear()


def test_o12_kernels_that_cannot_be_kept_are_noticed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written, every start would else be silent for a minute."""
    seen: list[str] = []
    monkeypatch.setattr(cache.NOTICE, "begin", lambda name, module: seen.append(name))
    monkeypatch.setattr(cache, "cache_folder", lambda file: None)
    made = kernel(_plus_one)
    cache._say_uncached.cache_clear()
    if made is _plus_one:
        pytest.skip("the compiler is off")
    assert [made(1), made(2), made(3.0)] == [2, 3, 4.0]
    assert seen == ["_plus_one", "_plus_one"]


def _plus_one(n: int) -> int:
    return n + 1
