"""Laws of the house that no linter states."""

import ast
import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import edgespec
from tests.made.syntax import is_list_of_names, last_name, parsed

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("edgespec", "converter")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
ALL_MODULES = sorted([*MODULES, *(ROOT / "benchmarks").rglob("*.py")])
MAX_LINES = 400

#: Scripts and command lines: nobody imports a name from them.
WITHOUT_ALL = {"__main__.py", "cli.py"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def imported_names(path: Path) -> frozenset[str]:
    """Return the top-level names a module imports, by statement or by ``import_module('...')``."""
    return frozenset(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and "import" in last_name(node) and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value.split(".")[0]


def test_every_module_says_what_it_gives() -> None:
    wrong = {name_of(path): fault for path in ALL_MODULES if (fault := fault_of_all(path))}
    assert ALL_MODULES
    assert wrong == {}


def fault_of_all(path: Path) -> str:
    """Return what is wrong with ``__all__`` of a module; nothing if it is right."""
    tree = parsed(path)
    stated = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and is_list_of_names(node)
    ]
    if not stated:
        return "" if path.name in {"__init__.py", *WITHOUT_ALL} else "there is none"
    if len(stated) > 1:
        return "it is stated twice"
    (names,) = stated
    if len(set(names)) < len(names):
        return f"a name is there twice: {sorted(names)}"
    bound = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name)}
    bound |= {getattr(node, "name", "") for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
    unbound = sorted(set(names) - bound)
    return f"the module has no {', '.join(unbound)}" if unbound else ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "there is none"),
        ("__all__ = []\n__all__ = []", "it is stated twice"),
        ("__all__ = ['a', 'a']\na = 1", "a name is there twice: ['a', 'a']"),
        ("__all__ = ['a', 'b']\nimport a", "the module has no b"),
        ("__all__ = ['a', 'b', 'c']\nfrom x import y as a\nb = 1\ndef c(): ...", ""),
    ],
)
def test_a_wrong_list_of_names_is_found(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    assert fault_of_all(path) == fault


def test_modules_are_short() -> None:
    lengths = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ALL_MODULES
    }
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


#: Makes frames, or says how they are made; whatever else there is counts bins and frames.
FRONT_END = (
    "edgespec/dsp/",
    "edgespec/framing.py",
    "edgespec/simulate/",
    "edgespec/sources/",
    "benchmarks/speed/",
    "converter/cli/geometry.py",
)


def test_only_the_front_end_knows_its_ffts() -> None:
    files = [*MODULES, *(ROOT / "benchmarks").rglob("*.py")]
    knowing = [
        name_of(path)
        for path in files
        if re.search(r"n_fft|frame_samples", path.read_text(encoding="utf-8"))
    ]
    assert [name for name in knowing if not name.startswith(FRONT_END)] == []
    # Otherwise the pattern found nothing.
    assert "edgespec/dsp/spectrogram.py" in knowing


@pytest.mark.parametrize(
    "package", ["paho", "ai_edge_litert", "tflite_runtime", "sionna", "rich", "cryptography"]
)
def test_one_file_knows_each_outside_runtime(package: str) -> None:
    users = [name_of(path) for path in MODULES if package in set(imported_names(path))]
    assert len(users) == 1, users


#: Names with an underscore that belong to somebody else, where there is no public way.
PRIVATE = {
    "edgespec/jit/cache.py": {"_CacheLocator", "_cache"},
    "converter/bundles/tflite.py": {
        "_experimental_disable_per_channel_quantization_for_dense_layers"
    },
}
#: These are documented.
NOT_PRIVATE = {"_replace", "_fields", "_asdict", "_exit"}


def test_what_others_keep_to_themselves_is_not_used() -> None:
    assert {name_of(path): names for path in MODULES if (names := private_names(path))} == PRIVATE


def private_names(path: Path) -> set[str]:
    """Return names of other modules and packages that are not theirs to use.

    Of paho no class is inherited either: its own names could not be told from ours.
    """
    named, own, bases, of_paho = set(), set(), set(), set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute):
            (own if ast.unparse(node.value) in ("self", "cls") else named).add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
            bases |= {last_name(base) for base in getattr(node, "bases", ())}
        elif isinstance(node, ast.ImportFrom):
            named |= (names := {alias.name for alias in node.names})
            of_paho |= names if (node.module or "").startswith("paho") else set()
    private = {name for name in named - own - NOT_PRIVATE if re.match("_(?!_)", name)}
    return private | (bases & of_paho)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("self._a = b\nself.c._a = c._d", {"_d"}),
        ("from paho.mqtt import _packet, Client\nclass Mine(Client): ...", {"_packet", "Client"}),
        ("class _A: ...\ndef _b(self): a._replace(b=super().__init__())", set()),
    ],
)
def test_a_private_name_is_found(tmp_path: Path, text: str, found: set[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    assert private_names(path) == found


@pytest.mark.parametrize("module", ["edgespec", "edgespec.config", "edgespec.cli"])
def test_the_command_line_starts_light(module: str) -> None:
    heavy = ("tensorflow", "keras", "sklearn", "numba", "scipy.signal", "paho", "ai_edge_litert",
             "rich", "cryptography")  # fmt: skip
    code = (
        f"import sys, {module}; "
        f"sys.exit(', '.join(name for name in {heavy!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_version_has_one_source_and_a_line_in_the_changelog() -> None:
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", encoding="utf-8")
    assert metadata["metadata"]["version"] == "attr: edgespec.__version__"
    assert f"## [{edgespec.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_file_names_a_registry_or_its_mirror() -> None:
    # In pieces, so that this file does not name them.
    hosts = ["py" + "pi.org", "python" + "hosted", "ana" + "conda.org", "index" + "-url",
             "deb." + "debian.org", "npm" + "js.", "docker" + ".io"]  # fmt: skip
    rooms = (*PACKAGES, "tests", "benchmarks", "firmware_configs", ".ci")
    files = [path for room in rooms for path in (ROOT / room).rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file()]
    named = [
        name_of(path)
        for path in files
        if "__pycache__" not in path.parts
        for text in [path.read_bytes().decode("latin-1")]
        if any(host in text for host in hosts)
    ]
    assert files
    assert named == []


def test_licence_is_whole_and_the_one_that_is_declared() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
