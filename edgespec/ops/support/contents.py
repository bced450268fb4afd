"""What goes into an archive for support: each part by its name, as text that may hold secrets."""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distributions

from edgespec.config import Config
from edgespec.config.secrets import public_tables
from edgespec.errors import EdgespecError
from edgespec.history.events import EventFilter
from edgespec.history.past import Past
from edgespec.machine import machine_facts
from edgespec.mqtt.retained import gather_retained
from edgespec.observer.runtimes.choice import choices_in
from edgespec.ops.checks.finding import Machine
from edgespec.ops.doctor import run_checks
from edgespec.ops.support.toml import toml_text
from edgespec.ops.tables import doctor_table
from edgespec.wire.event import event_payload
from edgespec.wire.text import encode

__all__ = ["PARTS", "Part", "Question", "told"]

#: Every observer of this machine.
_UNIT, _N_LINES, _N_EVENTS = "edgespec@*.service", 2000, 100
_MOST_FILES = 2000
#: Variables by whose names it is told how it runs, never by their values.
_VARIABLES = ("EDGESPEC_", "NUMBA_", "OMP_", "SOAPY_SDR_", "PYTHON")
_MACHINE_FILES = (
    *("proc/cpuinfo", "proc/meminfo", "proc/loadavg", "proc/uptime", "proc/device-tree/model"),
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "sys/devices/system/clocksource/clocksource0/current_clocksource",
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about: the configuration, and where the machine is found."""

    config: Config
    machine: Machine


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the archive: its name, what is in it, and what writes it."""

    name: str
    words: str
    text: Callable[[Question], str]


def _configuration(question: Question) -> str:
    return toml_text(public_tables(question.config))


def _versions(question: Question) -> str:
    packages = {one.metadata["Name"]: one.version for one in distributions()}
    facts = {**machine_facts(), "build": " ".join(platform.python_build())}
    return json.dumps({"machine": facts, "packages": dict(sorted(packages.items()))}, indent=1)


def _machine(question: Question) -> str:
    machine = question.machine
    folders = {"proc": machine.proc_dir, "sys": machine.sys_dir}
    parts = []
    for name in _MACHINE_FILES:
        folder, _, rest = name.partition("/")
        try:
            content = (folders[folder] / rest).read_text(errors="replace").strip("\0\n ")
        except OSError:
            continue
        parts.append(f"== /{name}\n{content}")
    named = sorted(name for name in os.environ if name.startswith(_VARIABLES))
    parts.append("== variables that are set\n" + "\n".join(named))
    return "\n\n".join(parts) + "\n"


def _doctor(question: Question) -> str:
    return doctor_table(run_checks(question.config, machine=question.machine)) + "\n"


def _kernels(question: Question) -> str:
    """What is computed by, and what was kept of it: the choice of a runtime, and machine code."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return json.dumps(
        {
            "computing": question.config.node.computing,
            "processor": binding.get_host_cpu_name(),
            "features": sorted(name for name, is_there in features.items() if is_there),
            "choices": choices_in(question.config.node.state_dir),
        },
        indent=1,
    )


def _state(question: Question) -> str:
    """Which files are there, how long and how old: not what is in them."""
    folder = question.config.node.state_dir
    lines = []
    for path in sorted(folder.rglob("*"))[:_MOST_FILES]:
        try:
            about = path.lstat()
        except OSError:
            continue
        lines.append(f"{about.st_size:>12} {about.st_mtime:>13.0f} {path.relative_to(folder)}")
    return f"{folder}: bytes, seconds of UTC, name\n" + "\n".join(lines) + "\n"


def _events(question: Question) -> str:
    past = Past(question.config.node.state_dir)
    return "".join(
        f"{encode(event_payload(message)).decode()}\n"
        for message in past.events(EventFilter(last=_N_EVENTS))
    )


def _broker(question: Question) -> str:
    """What the broker keeps of the observer: its state, who it is, whether it is there."""
    config = question.config
    if config.mqtt.url is None:
        return "no broker is configured\n"
    topic = f"{config.mqtt.topic_prefix}/{config.node.id}/#"
    kept = gather_retained(config.mqtt, [topic])
    return "".join(
        f"{name}\n  {payload.decode(errors='replace')}\n" for name, payload in sorted(kept.items())
    )


def _log(question: Question) -> str:
    command = ["journalctl", "-u", _UNIT, "-n", str(_N_LINES), "--no-pager", "-o", "short-iso"]
    said = question.machine.run(command)
    if said is None:
        return f"journalctl tells nothing of {_UNIT}: run it as a user who may read the journal\n"
    return f"{said}\n"


#: Every part, in the order in which it is asked for; one that cannot be told costs no other.
PARTS = (
    Part("configuration.toml", "what it runs with; secrets are ***", _configuration),
    Part("versions.json", "system, Python, packages", _versions),
    Part("machine.txt", "processor, memory, governor; names of variables", _machine),
    Part("kernels.json", "processor as LLVM sees it, the choice of a runtime", _kernels),
    Part("state.txt", "names and sizes in the state directory", _state),
    Part("events.jsonl", f"the last {_N_EVENTS} events", _events),
    Part("broker.txt", "what the broker keeps of the observer: its last state", _broker),
    Part("log.txt", f"the last {_N_LINES} lines of {_UNIT}", _log),
    Part("doctor.txt", "what edgespec doctor says", _doctor),
)


def told(part: Part, question: Question) -> str:
    """Return the text of a part, or why it cannot be told."""
    try:
        return part.text(question)
    except EdgespecError as error:
        return f"not told: {error}\n"
    except Exception as error:
        # Whatever is broken is what help is asked for.
        return f"not told: {type(error).__name__}: {error}\n"
