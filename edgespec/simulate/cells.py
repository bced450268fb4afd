"""Cells that differ as cells do, by name, and how their load changes over a day."""

from edgespec.simulate.config import CellConfig

__all__ = ["CELLS", "DAY_CURVE"]

#: Factor of the load in each hour of the day: least at four in the morning, most in the evening.
DAY_CURVE = (
    *(0.55, 0.40, 0.28, 0.20, 0.17, 0.20, 0.35, 0.60),
    *(0.85, 0.95, 1.00, 1.05, 1.10, 1.10, 1.05, 1.10),
    *(1.20, 1.30, 1.40, 1.45, 1.45, 1.35, 1.10, 0.80),
)

#: Identity, load, users, ports, scheduler, control length and power offsets all differ.
CELLS: dict[str, CellConfig] = {
    "A": CellConfig(pci=123, load=0.5),
    "B": CellConfig(pci=17, load=0.25, n_users=3, n_control=1, user_groups=4),
    "C": CellConfig(pci=308, load=0.8, n_users=18, n_ports=2, scheduler="round-robin", n_control=3),
    "D": CellConfig(pci=451, load=0.1, n_users=2, reference_db=3.0, user_groups=2),
    "E": CellConfig(pci=66, load=0.6, n_users=12, n_ports=2, reference_db=3.0, control_db=-1.0),
    "F": CellConfig(pci=200, load=0.35, n_users=6, sync_db=3.0, control_db=2.0, n_control=2),
    "G": CellConfig(
        pci=389, load=0.7, n_users=10, scheduler="round-robin", user_spread_db=3.0, user_groups=6
    ),
    "H": CellConfig(pci=95, load=0.95, n_users=20, n_ports=2, n_control=3, reference_db=-3.0),
}
