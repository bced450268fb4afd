"""``edgespec doctor``: one line for everything that may stand between the radio and the alarm."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from edgespec.config import Config
from edgespec.errors import (
    BrokerError,
    ConfigError,
    EdgespecError,
    ModelError,
    SourceError,
)
from edgespec.observer.opening.dwelling import duty_text
from edgespec.ops.checks.broker import check_broker
from edgespec.ops.checks.finding import Finding, Machine, Status, Subject
from edgespec.ops.checks.host import check_clock, check_power, check_python, check_state_dir
from edgespec.ops.checks.radio import (
    check_kernel_drivers,
    check_soapy_radios,
    check_source,
    check_usb_radios,
)
from edgespec.ops.checks.rhythm import check_rhythm
from edgespec.ops.checks.software import (
    check_front_end,
    check_model,
    check_packages,
    check_pictures,
)

__all__ = ["CHECKS", "Check", "exit_code", "run_checks"]


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check; ``fix`` is empty where nothing is to be done."""

    name: str
    status: Status
    detail: str
    fix: str = ""


#: Every check by name, in the order of the report, with the error whose exit code it stands for.
CHECKS: dict[str, tuple[Callable[[Subject], Finding], type[EdgespecError]]] = {
    "python": (check_python, EdgespecError),
    "packages": (check_packages, EdgespecError),
    "pictures": (check_pictures, EdgespecError),
    "front end": (check_front_end, EdgespecError),
    "model": (check_model, ModelError),
    "state directory": (check_state_dir, ConfigError),
    "clock": (check_clock, EdgespecError),
    "power": (check_power, EdgespecError),
    "kernel drivers": (check_kernel_drivers, SourceError),
    "usb radios": (check_usb_radios, SourceError),
    "soapy radios": (check_soapy_radios, SourceError),
    "source": (check_source, SourceError),
    "rhythm": (check_rhythm, EdgespecError),
    "broker": (check_broker, BrokerError),
}

#: What depends on a band or its source.
_OF_BANDS = (
    "front end", "model", "kernel drivers", "usb radios", "soapy radios", "source", "rhythm",
)  # fmt: skip
_SEVERITY: tuple[Status, ...] = ("skipped", "ok", "warn", "fail")

#: Which exit code wins where several checks fail: the physical chain from its start.
_PRIORITY = (SourceError, ModelError, BrokerError, ConfigError, EdgespecError)


def run_checks(
    config: Config,
    *,
    warm: bool = False,
    machine: Machine | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Check]:
    """Return the result of every check; one that breaks is a failure and stops no other.

    Args:
        config: what the observer would run with.
        warm: compile the kernels for every sample format, choose the runtime of the model, and
            keep both.
        machine: where ``/proc``, ``/sys`` and other programs are found; a test's own, if given.
        progress: told what takes long.
    """
    subject = Subject(config, warm, machine or Machine(), progress=progress or (lambda text: None))
    return [run_check(name, subject) for name in CHECKS]


def run_check(name: str, subject: Subject) -> Check:
    """Return the result of one check of :data:`CHECKS`."""
    function, _ = CHECKS[name]
    config = subject.config
    # What several bands have in common is looked at once and said once.
    bands = config.band if name in _OF_BANDS else config.band[:1]
    findings = [_found(function, replace(subject, config=config.only(band))) for band in bands]
    if name == "source":
        findings += [
            Finding("ok", duty_text(config, source))
            for source in config.source
            if source.dwell_s is not None
        ]
        findings += _cautions(config)
    findings = list(dict.fromkeys(findings))
    worst = max((finding.status for finding in findings), key=_SEVERITY.index)
    details = "; ".join(finding.detail for finding in findings)
    fixes = "; ".join(dict.fromkeys(finding.fix for finding in findings if finding.fix))
    return Check(name, worst, details, fixes)


def _cautions(config: Config) -> list[Finding]:
    """Return what hardly does what was meant; what cannot work is another check's."""
    with suppress(EdgespecError, ImportError):
        from edgespec.observer.opening.cautions import cautions

        return [Finding("warn", words) for words in cautions(config)]
    return []


def _found(function: Callable[[Subject], Finding], subject: Subject) -> Finding:
    """Return what a check found for one band."""
    try:
        return function(subject)
    except EdgespecError as error:
        return Finding("fail", str(error))
    except Exception as error:
        # A doctor that dies of the disease helps nobody: whatever breaks is the finding.
        return Finding("fail", f"{type(error).__name__}: {error}")


def exit_code(checks: Sequence[Check]) -> int:
    """Return 0 without a failure, else 4 radio, 5 model, 6 broker, 3 config, 1 anything else."""
    failed = {CHECKS[check.name][1] for check in checks if check.status == "fail"}
    return next((error.exit_code for error in _PRIORITY if error in failed), 0)
