"""The law of the scan: what is summed up of a slot, and what the sums of a window say.

Of a slot ``t`` and band ``b``, whatever its plane, a site says what is expected, ``e``, which part
of that is leakage of the wanted signal, ``l`` in 0 to 1, and the spread ``s`` of the ratio of
measured to expected. With the unit of power ``n`` the slot counts as

    x = (measured / e - 1) / s,   a = n / (e s),   d = l / s,

so that ``x = j a + v d + chance of variance 1``: ``j`` is the power, in units, of whoever is there
beside what was expected, and ``v`` the share by which the leakage is more than it was, since timing
and fading move it. The terms ``x a, x d, a a, a d, d d, a a a`` are summed up over a window, and
``v``, whose spread is thought to be :data:`LEAK_SPREAD` beforehand, is eliminated band by band:

    g = S(a d) / (S(d d) + 1 / LEAK_SPREAD^2),   u = S(x a) - g S(x d),   i = S(a a) - g S(a d).

Over a run of bands ``u``, ``i``, ``h = S(a d)`` and ``k = S(a a a)`` add up. ``j = u / i``, and its
deviation is ``z = u / sqrt(c (i + (MISFIT h)^2) + (f i)^2)``: ``MISFIT`` is the share of the
leakage that no line in the power explains, ``c`` how much more than by chance, and ``f`` by how
many units, the window varies at the site (:mod:`edgespec.detect.scan.spreads`). Quiet slots, such
as a TDD cell's uplink far from any phone, count most; what moves with the cell's power does not
count.

A residual is a mean of few squares, so short windows have a long tail upwards: that of a Gamma
distribution with relative spread ``r = s k / S(a a)^(3/2)``. Its cube root is nearly normal (Wilson
and Hilferty 1931), so ``3 ((1 + r z)^(1/3) - 1 + r^2 / 9) / r`` compares lengths with each other.
"""

from edgespec.records import FrameFlag

__all__ = [
    "BORNE_OUT",
    "LANE_TERMS",
    "LEAK_SPREAD",
    "LEAST_SKEW",
    "MISFIT",
    "N_BEST",
    "N_TERMS",
    "RUN_TERMS",
    "UNHEARD",
]

#: What is kept of the largest deviation: itself, number of the length, of the run, and j.
N_BEST = 4
#: What is clipped is heard: a scan must not go quiet when the interferer gets stronger.
UNHEARD = int(FrameFlag.DROPPED | FrameFlag.NONFINITE | FrameFlag.CONSTANT)
N_TERMS = 6
#: What adds up over bands: u, i, h, k, S(a a), and u and i of the newest part of a long window.
LANE_TERMS, RUN_TERMS = 5, 7
#: Walking in an extended vehicular channel moved the leakage of simulated cells by up to 3 dB.
LEAK_SPREAD = 1.0
#: On simulated traffic without interferer, 1 of 10 dB more power left up to a fifth more than the
#: line says; with a tenth, one observer of eleven alarmed in 8% of its hops, with a fifth in .1%.
MISFIT = 0.2
#: Below it a window is long enough to be normal as it is.
LEAST_SKEW = 1e-3
#: A long window counts while its newest tenth has this share of its excess. Otherwise ten seconds
#: would ring for ten seconds after whoever was there has gone; an excess of six deviations that
#: stays passes nine times in ten.
BORNE_OUT = 1.0 / 3.0
