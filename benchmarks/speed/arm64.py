"""The kernels of the model as code for ARM: is it vectorised, and what does it execute?

Numba compiles for the machine it runs on, but what it hands to LLVM says nothing of a processor:
here LLVM is given it for the cores of small boards. The assembly is read, not run.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgespec.errors import EdgespecError

__all__ = ["CORES", "KERNELS", "Code", "compile_kernels", "read_code"]

CORES = ("cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76")
_TRIPLE = "aarch64-unknown-linux-gnu"
#: Innermost functions, and what they take: floats ``f``, integers ``I``, an integer ``i``, a float
#: ``s``. Numba optimises each of them alone before it puts them into the others.
KERNELS: Mapping[str, str] = {
    "_multiply_four": "ffffiff",
    "_scale": "fsfif",
    "_add_wide": "fIiff",
    "_soft_cells": "fff",
    "_hard_cells": "fff",
    "_rows_that_count": "fiI",
}
#: Numba then knows no processor, and leaves the optimisation to be done here. Without vectors of
#: 16 floats, the widths of the kernels are those of NEON.
_GENERIC = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_OPT": "0"}
_BRANCH = re.compile(r"\s+(?:b\.\w+|cbn?z|tbn?z|b)\s+.*?(\.LBB\d+_\d+)$")
_VECTOR = re.compile(r"\bv\d+\.(?:4s|16b|2d)|\bq\d+\b")


@dataclass(frozen=True, slots=True)
class Code:
    """Instructions of one kernel on one core, by where they stand.

    ``once`` is everything outside of loops. Of the innermost loop: ``loop`` all instructions,
    ``multiply_adds`` and ``divisions`` those of four floats, ``loads`` and ``stores`` of vectors,
    ``spills`` those of them that go to the stack, ``scalars`` arithmetic on single floats. Without
    a loop, these are of the whole function.
    """

    kernel: str
    core: str
    once: int
    loop: int
    multiply_adds: int
    divisions: int
    loads: int
    stores: int
    spills: int
    scalars: int


def compile_kernels() -> list[Code]:
    """Return the code of every kernel on every core; takes a process of its own.

    Raises:
        EdgespecError: the compilation failed.
    """
    # What comes from a cache has no code that could be read.
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.speed.arm64"],
            env=os.environ | _GENERIC | {"NUMBA_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise EdgespecError(f"the kernels do not compile for ARM: {done.stderr}")
    return [
        read_code(kernel, core, assembly)
        for kernel, by_core in json.loads(done.stdout).items()
        for core, assembly in by_core.items()
    ]


def read_code(kernel: str, core: str, assembly: str) -> Code:
    """Return what a function consists of.

    The innermost loop with the most vector instructions is its loop; what stands before and behind
    it is executed once.
    """
    lines = [line.split("//")[0].rstrip() for line in assembly.splitlines()]
    start = next(n for n, line in enumerate(lines) if line.endswith(":") and line[0] not in ".\t ")
    stop = next(n for n, line in enumerate(lines) if line.startswith(".Lfunc_end"))
    lines = [line for line in lines[start + 1 : stop] if not line.lstrip().startswith(".p2align")]
    loops = _innermost_loops(lines)
    body = max(loops, key=_n_vectors, default=lines)
    loop = _instructions(body)
    return Code(
        kernel,
        core,
        once=len(_instructions(lines)) - len(loop) if loops else 0,
        loop=len(loop),
        multiply_adds=sum(line.startswith(("fmla", "fmls")) for line in loop),
        divisions=sum(line.startswith("fdiv") and ".4s" in line for line in loop),
        loads=sum(line.startswith("ld") and _n_vectors([line]) for line in loop),
        stores=sum(line.startswith("st") and _n_vectors([line]) for line in loop),
        spills=sum(
            line.startswith(("ld", "st")) and "[sp" in line and bool(_n_vectors([line]))
            for line in loop
        ),
        scalars=sum(bool(re.match(r"f\w+\s+s\d+", line)) for line in loop),
    )


def _innermost_loops(lines: Sequence[str]) -> list[list[str]]:
    labels = {line[:-1]: n for n, line in enumerate(lines) if line.startswith(".LBB")}
    spans = []
    for n, line in enumerate(lines):
        found = _BRANCH.match(line)
        if found and labels.get(found[1], n) < n:
            spans.append((labels[found[1]], n + 1))
    inner = [a for a in spans if not any(a != b and a[0] <= b[0] and b[1] <= a[1] for b in spans)]
    return [list(lines[first:stop]) for first, stop in inner]


def _instructions(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines if line.startswith("\t") and line.strip()[:1] != "."]


def _n_vectors(lines: Sequence[str]) -> int:
    return sum(bool(_VECTOR.search(line)) for line in lines)


def _assemblies() -> dict[str, dict[str, str]]:
    """Return assembly by kernel and core; to be called where Numba was told to be generic."""
    import warnings

    from llvmlite import binding as llvm
    from numba import types

    from edgespec.inference import kernels

    # The cache cannot keep what is not optimised; it is not asked to.
    warnings.simplefilter("ignore")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    floats, integers = types.float32[::1], types.int64[::1]
    letters = {"f": floats, "I": integers, "i": types.int64, "s": types.float32}
    made: dict[str, dict[str, str]] = {}
    for name, takes in KERNELS.items():
        dispatcher: Any = getattr(kernels, name)
        signature = tuple(letters[letter] for letter in takes)
        dispatcher.compile(signature)
        ir = _portable(dispatcher.inspect_llvm(signature))
        made[name] = {core: _assembly(llvm, ir, name, core) for core in CORES}
    return made


def _portable(ir: str) -> str:
    """Return LLVM's code without its machine and without Numba's counting of references."""
    ir = re.sub(r"^target (triple|datalayout) = .*$", "", ir, flags=re.MULTILINE)
    return re.sub(r"^\s*(tail )?call void @NRT_(inc|dec)ref\(.*$", "", ir, flags=re.MULTILINE)


def _assembly(llvm: Any, ir: str, name: str, core: str) -> str:
    machine = llvm.Target.from_triple(_TRIPLE).create_target_machine(cpu=core, opt=3)
    module = llvm.parse_assembly(ir)
    module.triple, module.data_layout = _TRIPLE, str(machine.target_data)
    for function in module.functions:
        # The wrappers for Python and C are of no interest.
        if not function.is_declaration and not re.match(rf"_ZN8edgespec.*{name}", function.name):
            function.linkage = "internal"
    options = llvm.PipelineTuningOptions(speed_level=3)
    options.loop_vectorization = options.loop_unrolling = options.loop_interleaving = True
    options.slp_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    assembly: str = machine.emit_assembly(module)
    return assembly


if __name__ == "__main__":
    json.dump(_assemblies(), sys.stdout)
