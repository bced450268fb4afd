"""What a survey heard of Wi-Fi: how many packets, how much of the time they take."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.wifi.packets import find_packets
from edgespec.dsp.wifi.training import SPACING_HZ

__all__ = ["WIFI_WIDTH_HZ", "WifiHeard", "hear_wifi"]

#: Subcarriers of a channel of 20 MHz: 53 with the middle one.
WIFI_WIDTH_HZ = 53 * SPACING_HZ


@dataclass(frozen=True, slots=True)
class WifiHeard:
    """Packets of the Wi-Fi channel in the middle of a band.

    ``airtime`` is the share of the time in which there are packets, 0 to 1; ``cfo_hz`` the carrier
    minus the receiver's centre and ``snr_db`` the SNR, medians over the packets.
    """

    n_packets: int
    airtime: float
    cfo_hz: float
    snr_db: float

    def as_line(self) -> str:
        """Return it as a line for people."""
        packets = f"{self.n_packets} packet" + ("s" if self.n_packets > 1 else "")
        return (
            f"Wi-Fi: {packets}, {self.airtime:.1%} of the time, "
            f"{WIFI_WIDTH_HZ / 1e6:.1f} MHz wide, {self.snr_db:.1f} dB SNR, "
            f"carrier {self.cfo_hz:+.0f} Hz from the centre"
        )


def hear_wifi(samples: NDArray[np.complex64], sample_rate_hz: float) -> WifiHeard | None:
    """Return what is heard of Wi-Fi; None where nothing is, and below 18 MS/s."""
    packets = find_packets(samples, sample_rate_hz)
    if not packets:
        return None
    return WifiHeard(
        n_packets=len(packets),
        airtime=sum(packet.n_samples for packet in packets) / len(samples),
        cfo_hz=float(np.median([packet.cfo_hz for packet in packets])),
        snr_db=float(np.median([packet.snr_db for packet in packets])),
    )
