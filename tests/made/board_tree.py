"""Trees of files as the kernels of boards have them, and what their programs answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["PMIC", "jetson_power", "silent", "write_tree"]

#: As a Pi 5 answers, with two of its rails and the input, of which it tells the voltage alone.
PMIC = """\
       VDD_CORE_A current(7)=2.00000000A
     DDR_VDD2_A current(4)=0.50000000A
       VDD_CORE_V volt(15)=0.90000000V
     DDR_VDD2_V volt(12)=1.10000000V
        EXT5V_V volt(24)=5.14000000V
         BATT_V volt(25)=0.00000000V
"""


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder, each with the line that it holds, and return the folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n", encoding="utf-8")
    return root


def jetson_power(root: Path, rails: Mapping[str, tuple[int, int]]) -> Path:
    """Write a monitor of up to three rails, each with its millivolts and milliamperes."""
    files = {"class/hwmon/hwmon0/name": "ina3221"}
    for n, (rail, (millivolts, milliamperes)) in enumerate(rails.items(), start=1):
        files |= {
            f"class/hwmon/hwmon0/in{n}_label": rail,
            f"class/hwmon/hwmon0/in{n}_input": str(millivolts),
            f"class/hwmon/hwmon0/curr{n}_input": str(milliamperes),
        }
    return write_tree(root, files)


def silent(command: Sequence[str]) -> None:
    """Answer as a computer that does not have the program."""
