"""Which radios SoapySDR finds, asked in a process of its own: a module may hang, or crash."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SoapyRadio", "soapy_radios"]

#: Some modules look for radios on the network.
_LIST_S = 15.0
#: Kinds that are no radios, or others than are named.
_NO_RADIOS = ("audio", "null")


@dataclass(frozen=True, slots=True)
class SoapyRadio:
    """A radio: its module, its serial ('' where it has none), the pairs that open it, its name."""

    driver: str
    serial: str
    device: str
    label: str


def soapy_radios() -> list[SoapyRadio]:
    """Return the radios that are there; none where SoapySDR is not installed, or says nothing."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIST_S,
            check=True,
        )
        # Modules may have said something before.
        found = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return []
    return [_radio(one) for one in found if one.get("driver") not in _NO_RADIOS]


def _radio(pairs: Mapping[str, str]) -> SoapyRadio:
    driver, serial = pairs.get("driver", ""), pairs.get("serial", "")
    names = {"driver": driver, "serial": serial} if serial else pairs
    device = ",".join(
        f"{key}={value}" for key, value in names.items() if value and key not in ("label", "source")
    )
    return SoapyRadio(driver, serial, device, pairs.get("label", "") or driver)


def _main() -> None:
    from edgespec.sources.soapy.library import Library, SoapyError

    try:
        found = Library().devices("")
    except SoapyError as error:
        sys.exit(str(error))
    sys.stdout.write(f"\n{json.dumps(found)}\n")


if __name__ == "__main__":
    _main()
