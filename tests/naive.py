"""The plainest form of everything that is fast elsewhere: loops, definitions, float64."""

import cmath
import math
import struct
from collections.abc import Collection
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgespec.lte.sequences import cell_reference, reference_subcarriers
from edgespec.records import FrameFlag, SampleFormat
from edgespec.twin.detectors.window import Window
from edgespec.twin.level_kind import LOWER_BOUND, MEASURED, MISSING


def complex_samples(samples, sample_format):
    """complex128 ``(n_samples,)``, full scale is 1."""
    if sample_format is SampleFormat.CF32:
        return samples.astype(np.complex128)
    pairs = (samples.astype(np.float64) - sample_format.zero) / sample_format.full_scale
    return pairs[:, 0] + 1j * pairs[:, 1]


def taper(name, n_fft):
    if name == "rect":
        return np.ones(n_fft)
    return np.array([math.sin(math.pi * k / n_fft) ** 2 for k in range(n_fft)])


def dft(x):
    """``X[q] = sum_k x[k] exp(-2j pi q k / N)``, by definition."""
    k = np.arange(len(x))
    return np.exp(-2j * np.pi * (np.outer(k, k) % len(x)) / len(x)) @ x


def spectrogram(x, framing):
    """Linear power ``(n_frames, n_fft)``, bin 0 is -fs/2."""
    n, window = framing.n_fft, taper(framing.taper, framing.n_fft)
    frames = []
    for start in range(0, len(x) - framing.frame_samples + 1, framing.frame_samples):
        power = np.zeros(n)
        for average in range(framing.n_averages):
            first = start + average * n
            power += np.abs(dft(x[first : first + n] * window)) ** 2 / window.sum() ** 2
        frames.append(np.roll(power / framing.n_averages, n // 2))
    return np.array(frames).reshape(-1, n)


def frame_flags(samples, sample_format, max_fraction, clip_level=None):
    """Flags of one frame of raw samples, component by component."""
    if sample_format is SampleFormat.CF32:
        pairs = [(float(s.real), float(s.imag)) for s in samples]
        low, high = (-clip_level, clip_level) if clip_level else (None, None)
    else:
        pairs = [(int(i), int(q)) for i, q in samples]
        ends = np.iinfo(sample_format.dtype)
        low, high = ends.min, ends.max
    flags = FrameFlag.VALID
    values = [value for pair in pairs for value in pair]
    if not all(map(math.isfinite, values)):
        flags |= FrameFlag.NONFINITE
    if low is not None and sum(v <= low or v >= high for v in values) > max_fraction * len(values):
        flags |= FrameFlag.CLIPPED
    n_held = sum(all(pair[side] == pairs[0][side] for pair in pairs) for side in (0, 1))
    if n_held:
        flags |= FrameFlag.CONSTANT if n_held == 2 else FrameFlag.HALF
    return flags


def standardise(context):
    """The context with mean 0 and variance 1, its mean and its standard deviation."""
    values = [float(value) for row in context for value in row]
    mean = math.fsum(values) / len(values)
    scale = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    return (context.astype(np.float64) - mean) / scale, mean, scale


def segments(flags, tick_start, frame_ticks, geometry):
    """First frame of every valid segment, and the number of skipped positions by reason.

    Splits the frames into runs without gaps first, and walks over the grid of every run. A
    position that a gap cut short is skipped; one that waits for frames at the end is not counted.
    """
    runs, run = [], []
    for k, flag in enumerate(flags):
        if flag & FrameFlag.DROPPED:
            runs, run = [*runs, run], []
            continue
        if run and tick_start[k] != tick_start[run[-1]] + frame_ticks:
            runs, run = [*runs, run], []
        run.append(k)
    names = ("dropped", "nonfinite", "clipped", "constant", "retuned")
    found, skipped = [], dict.fromkeys(names, 0)
    for n_run, frames in enumerate([*runs, run]):
        for first in range(0, len(frames), geometry.hop_frames):
            part = frames[first : first + geometry.n_segment]
            if len(part) < geometry.n_segment:
                skipped["dropped"] += n_run < len(runs)
                continue
            reasons = [
                name
                for name, flag in (
                    ("nonfinite", FrameFlag.NONFINITE),
                    ("clipped", FrameFlag.CLIPPED),
                    ("constant", FrameFlag.CONSTANT | FrameFlag.HALF),
                )
                if any(flags[k] & flag for k in part)
            ]
            if reasons:
                skipped[reasons[0]] += 1
            else:
                found.append(part[0])
    return found, skipped


def energy_scores(targets, n_warmup):
    """The farther of two levels from those of a warm-up too short to know what lasts."""
    wide = [one.astype(np.float64) for one in targets]
    powers = [10 * math.log10(np.mean(10 ** (one / 10))) for one in wide]
    most_bins = [np.mean(one) for one in wide]
    found = []
    for levels in (powers, most_bins):
        mean = np.mean(levels[:n_warmup])
        std = np.std(levels[:n_warmup], ddof=1)
        upper = math.sqrt(2 * np.mean([max(level - mean, 0) ** 2 for level in levels[:n_warmup]]))
        up, down = max(min(upper, std), 0.1), max(std, 0.1)
        weight, now, scores = 1 / 8, levels[0], []
        for index, level in enumerate(levels):
            now += weight * (level - now)
            if index >= n_warmup:
                at_once = max((level - mean) / up, (mean - level) / down)
                lasting = max((now - mean) / up, (mean - now) / down)
                scores.append(max(at_once, min(lasting, 2 * at_once)))
        if levels is powers or max(up, down) <= 1.0:
            found.append(scores)
    return np.max(found, axis=0)


def shape_scores(name, targets, n_warmup):
    """Scores of ``zscore`` or ``ewma`` and their maps: a frame less its mean over the bins."""
    shapes = [one - one.mean(axis=1, keepdims=True, dtype=np.float64) for one in targets]
    if name == "zscore":
        levels = [np.array([shape.max(axis=0), shape.min(axis=0)]) for shape in shapes]
    else:
        levels = [shapes[0].mean(axis=0, keepdims=True)]
        for shape in shapes[1:]:
            levels.append(levels[-1] + (shape.mean(axis=0, keepdims=True) - levels[-1]) / 32)
    mean = np.mean(levels[:n_warmup], axis=0)
    own = np.maximum(np.std(levels[:n_warmup], axis=0, ddof=1), 0.1)
    usual = np.median(own, axis=1, keepdims=True)
    std = np.sqrt(((n_warmup - 1) * own**2 + 20 * usual**2) / (n_warmup - 1 + 20))
    distances = [(level - mean) / std for level in levels[n_warmup:]]
    scores = [max(np.abs(one[0]).max(), one[1:].max(initial=0.0)) for one in distances]
    expected = np.mean([shape.mean(axis=0) for shape in shapes[:n_warmup]], axis=0)
    return scores, [shape - expected for shape in shapes[n_warmup:]]


def any_band_levels(power_db, widths):
    """Peaks and floors of all runs, in frames and in means of 8: sorted, one run at a time."""
    length = min(8, len(power_db))
    means = [power_db[r * length :][:length].mean(axis=0) for r in range(len(power_db) // length)]
    rows = []
    for frames in (power_db, np.array(means)):
        runs = [
            sorted(float(np.mean(frame[k : k + width], dtype=np.float64)) for frame in frames)
            for width in widths
            for k in range(power_db.shape[1] - width + 1)
        ]
        rows.append([run[-1] for run in runs])
        rows.append([run[1 if len(frames) >= 10 else 0] for run in runs])
    return np.array(rows)


def any_band_scores(hops_db, n_known, n_tail):
    """Scores of hops behind those that teach what is known, and those that teach its tails."""
    widths = sorted({min(width, hops_db.shape[2]) for width in (1, 3, 8, 24, 128)})
    levels = [any_band_levels(hop, widths) for hop in hops_db]
    highest = np.max(levels[:n_known], axis=0)
    parts = []
    for own in levels[n_known:]:
        above = own - highest
        parts.append([above[0::2].max(), above[1::2].max()])
    parts = np.array(parts)
    scores = []
    # They are counted in steps of .05 dB.
    steps = (np.floor(parts[:n_tail] / 0.05) + 0.5) * 0.05
    for part, values in zip(parts.T, steps.T, strict=True):
        low = np.quantile(values, 0.8, method="inverted_cdf")
        excess = values[values > low] - low
        fall = max(excess.mean() if len(excess) else 0.0, 0.3)
        scores.append((part[n_tail:] - max(low, 0.0)) / fall)
    return np.max(scores, axis=0)


def partial_segments(flags, tick_start, frame_ticks, geometry):
    """Target's frames, whether the context is good, and the reason of every segment of a watch.

    Behind a gap the first target begins with the first frame; what is left of a target at a gap is
    no segment. The frames of a target that hold something are the only ones that are used.
    """
    beyond = FrameFlag.NONFINITE | FrameFlag.CONSTANT
    runs, run = [], []
    for k, flag in enumerate(flags):
        if flag & FrameFlag.DROPPED:
            runs, run = [*runs, run], []
            continue
        if run and tick_start[k] != tick_start[run[-1]] + frame_ticks:
            runs, run = [*runs, run], []
        run.append(k)
    n_context, n_horizon = geometry.n_context, geometry.n_horizon
    found, marks = [], list(flags)
    for frames in [*runs, run]:
        for before, k in pairwise(frames):
            if flags[before] & FrameFlag.CONSTANT:
                marks[k] |= FrameFlag.CONSTANT
    flags = marks
    frames_before = False
    for frames in [*runs, run]:
        first = 0 if frames_before else n_context
        for start in range(first, len(frames) - n_horizon + 1, geometry.hop_frames):
            target = frames[start : start + n_horizon]
            context = frames[max(start - n_context, 0) : start]
            is_good = len(context) == n_context and not any(flags[k] for k in context)
            bad = [k for k in target if flags[k] & beyond]
            good = [k for k in target if not flags[k] & beyond]
            if 2 * len(bad) > n_horizon:
                reason = "constant"
                if any(flags[k] & FrameFlag.NONFINITE for k in bad):
                    reason = "nonfinite"
                found.append((tuple(target), is_good, reason))
                continue
            used = [min(good, key=lambda g, k=k: abs(g - k)) if k in bad else k for k in target]
            found.append((tuple(used), is_good, ""))
        frames_before |= bool(frames)
    return found


def auc(normal, anomalous):
    """Share of pairs in which the anomalous score is the higher; a tie is half a pair."""
    won = [1.0 if a > n else 0.5 if a == n else 0.0 for a in anomalous for n in normal]
    return math.fsum(won) / len(won)


def partial_area(normal, anomalous, max_far):
    """Area under the ROC curve from a false-alarm rate of 0 to ``max_far``, by trapezoids."""
    points = [(0.0, 0.0)]
    for threshold in sorted({*map(float, normal), *map(float, anomalous)}, reverse=True):
        far = sum(n >= threshold for n in normal) / len(normal)
        points.append((far, sum(a >= threshold for a in anomalous) / len(anomalous)))
    area = 0.0
    for (far, rate), (next_far, next_rate) in pairwise(points):
        if far >= max_far or next_far == far:
            continue
        stop = min(next_far, max_far)
        at_stop = rate + (next_rate - rate) * (stop - far) / (next_far - far)
        area += (stop - far) * (rate + at_stop) / 2
    return area


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x)) if x > 0 else math.exp(x) / (1.0 + math.exp(x))


GATES = {"sigmoid": sigmoid, "hard_sigmoid": lambda x: min(max(0.2 * x + 0.5, 0.0), 1.0)}
ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "tanh": math.tanh,
    "sigmoid": sigmoid,
}


def lstm(sequence, layer):
    """Every output of an LSTM layer, gate by gate, unit by unit."""
    gate, n_units = GATES[layer.gate], layer.n_outputs
    kernel, recurrent = layer.kernel.astype(np.float64), layer.recurrent.astype(np.float64)
    hidden, cell, outputs = np.zeros(n_units), np.zeros(n_units), []
    for x in sequence:
        z = x @ kernel + hidden @ recurrent + layer.bias
        hidden = hidden.copy()
        for j in range(n_units):
            i, f, g, o = z[j], z[n_units + j], z[2 * n_units + j], z[3 * n_units + j]
            cell[j] = gate(f) * cell[j] + gate(i) * math.tanh(g)
            hidden[j] = gate(o) * math.tanh(cell[j])
        outputs.append(hidden)
    return np.array(outputs)


def network(window, net):
    """The output of LSTM layers and dense layers, and of an autoregression, flat, float64."""
    if not net.denses:
        return autoregression(window, net.autoregression).ravel()
    x = window.astype(np.float64)
    for layer in net.lstms:
        x = lstm(x, layer)
    x = x[-1] if net.lstms else x.ravel()
    for layer in net.denses:
        z = x @ layer.kernel.astype(np.float64) + layer.bias
        x = np.array([ACTIVATIONS[layer.activation](value) for value in z])
    if net.autoregression is not None:
        x = x + autoregression(window, net.autoregression).ravel()
    return x


def autoregression(window, linear):
    """Every frame of the horizon and every bin as a sum over the last frames of that bin."""
    order, n_horizon = linear.kernel.shape
    last = window[len(window) - order :].astype(np.float64)
    forecast = np.empty((n_horizon, window.shape[1]))
    for h in range(n_horizon):
        for b in range(window.shape[1]):
            forecast[h, b] = linear.bias[h]
            for t in range(order):
                forecast[h, b] += float(linear.kernel[t, h]) * last[t, b]
    return forecast


def forest_gains(forest, place_m):
    """Gain in dB to each unit: the mean of the leaves that a place falls into, tree by tree."""
    features = [np.float32(place_m[0]), np.float32(place_m[1])]
    features += [np.float32(math.dist(place_m, unit_m)) for unit_m in forest.units_xyz_m]
    n_units = len(forest.units_xyz_m)
    leaves = [[] for _ in range(n_units)]
    for tree, root in enumerate(forest.root):
        node = root
        while forest.feature[node] >= 0:
            goes_left = features[forest.feature[node]] <= forest.threshold[node]
            node = forest.child[node] if goes_left else forest.child[node] + 1
        row = forest.value[forest.child[node]]
        if forest.unit[tree] < 0:
            for unit in range(n_units):
                leaves[unit].append(float(row[unit]))
        else:
            leaves[forest.unit[tree]].append(float(row[0]))
    return [sum(values) / len(values) for values in leaves]


def stored_samples(octets, name, n_channels=1, channel=0):
    """complex128 samples of a SigMF datatype, byte by byte; full scale is 1.

    Also of two numbers that only wav files have: i24, and b8 in which 128 is zero.
    """
    n_numbers = 2 if name[0] == "c" else 1
    number, _, order = name[1:].partition("_")
    n_bytes = int(number[1:]) // 8
    numbers = []
    for start in range(0, len(octets), n_bytes):
        part = octets[start : start + n_bytes]
        if order == "be":
            part = part[::-1]
        if number[0] == "f":
            numbers.append(struct.unpack({4: "<f", 8: "<d"}[n_bytes], part)[0])
            continue
        value = sum(byte << (8 * i) for i, byte in enumerate(part))
        half = 1 << (8 * n_bytes - 1)
        if number[0] == "i":
            numbers.append((value - 2 * half if value >= half else value) / half)
        elif number in ("u16", "b8"):
            numbers.append((value - half) / half)
        else:
            numbers.append((value - (half - 0.5)) / (half - 0.5))
    frame = n_numbers * n_channels
    samples = []
    for start in range(channel * n_numbers, len(numbers), frame):
        imaginary = numbers[start + 1] if n_numbers == 2 else 0.0
        samples.append(complex(numbers[start], imaginary))
    return np.array(samples)


def channel(x, plan, number, first, n_out):
    """``y[m] = sum_k h[k] x[m D + k] exp(-2 pi i f (m D + k) / fs)`` from output ``number`` on.

    ``x[0]`` is sample ``first`` of the stream.
    """
    half, taps = plan.half_samples, plan.low_pass()
    out = []
    for m in range(number, number + n_out):
        k = np.arange(m * plan.factor - half, m * plan.factor + half + 1)
        turns = [(int(i) * plan.offset_hz / plan.source_rate_hz) % 1.0 for i in k]
        out.append(np.sum(taps * x[k - first] * np.exp(-2j * np.pi * np.array(turns))))
    return np.array(out)


def pilot_products(x, cell, n_blocks, frame_start, ppm, slot):
    """Product of neighbouring pilots and their powers in one slot of the frame, by definition.

    ``Y[f] = 1/N sum_n x[n] exp(-2j pi f (t_n - t_0))`` with t_0 the begin of the useful part, over
    N samples from 1.2 us before it on; both symbols are summed.
    """
    n = int(cell.sample_rate_hz / 15e3)
    stretch = 1.0 + ppm * 1e-6
    useful = {"normal": (160, 8928), "extended": (512, 8192)}[cell.prefix]
    product, power = np.zeros(2 * n_blocks - 1, complex), np.zeros(2 * n_blocks)
    values = cell_reference(cell.identity, n_blocks, cell.prefix)
    places = reference_subcarriers(cell.identity, n_blocks)
    for symbol in range(2):
        units = slot * 15_360 + useful[symbol]
        begin = frame_start + units / 30.72e6 * cell.sample_rate_hz * stretch
        first = math.floor(begin - 1.2e-6 * cell.sample_rate_hz * stretch)
        h = []
        for place, value in zip(places[symbol], values[slot, symbol], strict=True):
            f = place * 15e3 + cell.cfo_hz
            terms = [
                x[k] * cmath.exp(-2j * math.pi * f * (k - begin) / cell.sample_rate_hz)
                for k in range(first, first + n)
            ]
            # The common phase is that of the carrier at t_0: it drops out of every product.
            h.append(sum(terms) / n / value)
        power += np.abs(h) ** 2
        product += np.array([a * b.conjugate() for a, b in pairwise(h)])
    return product, power


def level_row(product, power, count):
    """Level, noise and coherence of one slot of reference signals, and whether it was turned back.

    Where the cell is clear and its timing off by an angle whose cosine is below 0.88, the products
    are turned by that.
    """
    mean = [complex(value) / count for value in product]
    powers = [0.5 * (float(a) + float(b)) / count for a, b in pairwise(power)]
    total = sum(mean)
    coherence = abs(total) / max(sum(powers), 1e-30)
    is_turned = coherence > 0.3 and total.real < 0.88 * abs(total)
    if is_turned:
        mean = [value * total.conjugate() / abs(total) for value in mean]
    level = [value.real for value in mean]
    return level, [a - b for a, b in zip(powers, level, strict=True)], coherence, is_turned


def scan_windows(n_slots, n_new):
    """Every window of time that a scan looks at: ``(first, stop, length)`` in slots."""
    for length in (1, 2, 3, 4, 6, 8, 12, 24, 62):
        stop = n_slots
        while stop > n_slots - n_new and stop >= length:
            yield stop - length, stop, length
            stop -= max(1, length // 6)
    for length in (200, 2_000, 20_000):
        stop = n_slots - n_slots % (length // 20)
        if stop >= length:
            yield stop - length, stop, length


def scan_deviation(x, a, d, n_new, runs, spreads, skew):
    """Largest deviation ``(z, length, lower, stop)`` of all windows, by definition.

    ``x``, ``a`` and ``d`` are ``(n_slots, n_bands)`` of all slots so far; ``spreads(length, run)``
    gives ``c`` and ``f``.
    """
    best = (-math.inf, 0, 0, 0)
    for first, stop_slot, length in scan_windows(len(x), n_new):
        for run, (lower, stop) in enumerate(runs):
            u = i = h = k = aa = newest_u = newest_i = 0.0
            for b in range(lower, stop):
                xs, as_, ds = (v[first:stop_slot, b].tolist() for v in (x, a, d))
                ad = sum(p * q for p, q in zip(as_, ds, strict=True))
                g = ad / (sum(q * q for q in ds) + 1.0)
                us = [p * (q - g * r) for p, q, r in zip(xs, as_, ds, strict=True)]
                is_ = [q * (q - g * r) for q, r in zip(as_, ds, strict=True)]
                u, i, h = u + sum(us), i + sum(is_), h + ad
                k += sum(q**3 for q in as_)
                aa += sum(q**2 for q in as_)
                newest_u += sum(us[-(length // 10) :])
                newest_i += sum(is_[-(length // 10) :])
            if length >= 200 and newest_u / newest_i < u / i / 3:
                continue
            c, f = spreads(length, run)
            z = u / math.sqrt(c * (i + (0.2 * h) ** 2) + (f * i) ** 2)
            r = min(skew * k / aa**1.5, skew)
            if r >= 1e-3:
                z = 3 * (max(1 + r * z, 0) ** (1 / 3) - 1 + r * r / 9) / r
            best = max(best, (z, length, lower, stop))
    return best


def prefix_slot(x, plan, begin, turn):
    """Residual and power of a slot that begins at ``begin``, whose lag is whole, by definition.

    ``turn`` is what a copy is turned by to lie on its prefix.
    """
    n, lag = plan.n_window, round(plan.lag_samples)
    left, there = np.zeros(n), np.zeros(n)
    for end in plan.prefix_ends:
        first = math.floor(begin + end) - plan.n_guard - n
        near, far = x[first : first + n], x[first + lag : first + lag + n]
        left += np.abs(dft(near - turn * far)) ** 2 / 2
        there += (np.abs(dft(near)) ** 2 + np.abs(dft(far)) ** 2) / 2
    rows = np.stack([np.roll(row, n // 2) for row in (left, there)])
    return rows.reshape(2, plan.n_subbands, -1).sum(axis=2) / plan.n_symbols / n**2


def fold_drifts(rows):
    """Sums of rows ``(..., n, width)`` along all drifts: halves of halves, row by row."""

    def shift(n, row, drift):
        """Return how far a row has drifted: half the drift in each half, the odd step between."""
        if n == 1:
            return 0
        inner = drift // 2
        if row < n // 2:
            return shift(n // 2, row, inner)
        return (drift + 1) // 2 + shift(n // 2, row - n // 2, inner)

    *batch, n, width = rows.shape
    out = np.zeros((*batch, 2 * n - 1, width), np.float32)
    for drift in range(-(n - 1), n):
        sign = -1 if drift < 0 else 1
        for row in range(n):
            for column in range(width):
                at = (column + sign * shift(n, row, abs(drift))) % width
                out[..., n - 1 + drift, column] += rows[..., row, at]
    return out


def primary_coherence(samples, template, cfo_hz, rate_hz, at):
    """Power of the correlation with a template over those of both, 0 to 1."""
    turned = [
        samples[at + k] * np.exp(-2j * np.pi * cfo_hz * k / rate_hz) for k in range(len(template))
    ]
    power = sum(abs(value) ** 2 for value in turned) * sum(abs(value) ** 2 for value in template)
    return abs(sum(v * np.conj(t) for v, t in zip(turned, template, strict=True))) ** 2 / power


def frame_means(target_dbfs, n_quiet):
    """Mean power of each bin over all frames, and over those in which most bins have little."""
    n_frames, n_bins = target_dbfs.shape
    mean_db = [sum(float(row[k]) for row in target_dbfs) / n_frames for k in range(n_bins)]
    levels = [sum(min(float(row[k]), mean_db[k]) for k in range(n_bins)) for row in target_dbfs]
    order = sorted(range(n_frames), key=lambda frame: levels[frame])
    linear = [[10.0 ** (float(row[k]) / 10.0) for k in range(n_bins)] for row in target_dbfs]
    power = [sum(row[k] for row in linear) / n_frames for k in range(n_bins)]
    quiet = [sum(linear[frame][k] for frame in order[:n_quiet]) / n_quiet for k in range(n_bins)]
    return power, quiet


def shape_of(power, normal, lower, upper):
    """Some numbers of :func:`edgespec.detect.shape.shape_of`, row by row."""
    rows = [
        [max(float(power[t, q]) - float(normal[q]), 0.0) for q in range(lower, upper + 1)]
        for t in range(len(power))
    ]
    sums = [sum(row) for row in rows]
    high = float(np.quantile(sums, 0.95))
    active = [value >= 0.3 * high for value in sums]
    peaks = [row.index(max(row)) for row in rows]
    steps = [peaks[t + 1] - peaks[t] for t in range(len(rows) - 1) if active[t] and active[t + 1]]
    moves = [step for step in steps if step and abs(step) <= len(rows[0]) / 2]
    n_runs = sum(now and not before for before, now in pairwise([False, *active]))
    n_flips = sum(before != now for before, now in pairwise(active))
    signs = [1 if step > 0 else -1 for step in moves]
    return {
        "steadiness": sum(sums) / len(sums) / high,
        "silence": sum(value < 0.1 * high for value in sums) / len(sums),
        "flips": n_flips / (len(sums) - 1),
        "burst": math.log2(sum(active) / n_runs) / 10,
        "still": sum(abs(step) <= 1 for step in steps) / len(steps),
        "moving": sum(abs(step) > 1 for step in moves) / len(steps),
        "one-way": abs(sum(signs) / len(signs)) * len(moves) / (len(moves) + 4),
        "places": len({p for p, on in zip(peaks, active, strict=True) if on}) / len(rows[0]),
    }


def prefix_share(samples, lag, n_slot, starts, n_prefix, timing):
    """Share of the power of prefixes at one timing that comes again ``lag`` samples later."""
    product, power = 0j, 0.0
    for slot in range(len(samples) // n_slot):
        for start in starts:
            for k in range(n_prefix):
                # Prefixes over the end of a slot fold into its begin.
                at = slot * n_slot + (timing + start + k) % n_slot
                if at + lag < len(samples):
                    one, other = complex(samples[at]), complex(samples[at + lag])
                    product += one * other.conjugate()
                    power += 0.5 * (abs(one) ** 2 + abs(other) ** 2)
    return abs(product) / power


def minute(targets_dbfs, occupied_db):
    """Max, mean and median over targets of each bin's mean power, the floor, and occupancy."""
    means = [
        [sum(10.0 ** (float(x) / 10.0) for x in column) / len(target) for column in target.T]
        for target in targets_dbfs
    ]
    columns = list(zip(*means, strict=True))
    level = [[10.0 * math.log10(mean) for mean in column] for column in columns]
    mean = [10.0 * math.log10(sum(column) / len(column)) for column in columns]
    median = [sorted(column)[(len(column) - 1) // 2] for column in level]
    floor = float(np.quantile(median, 0.05))
    above = [sum(x > floor + occupied_db for x in column) / len(column) for column in level]
    return [max(column) for column in level], mean, median, floor, above


def exceeded(targets_dbfs, shares, enbw_bins):
    """The power of the band in a frame, in dB, that each share of the frames exceeds."""
    frames = sorted(
        10.0 * math.log10(sum(10.0 ** (float(x) / 10.0) for x in row) / enbw_bins)
        for target in targets_dbfs
        for row in target
    )
    n = len(frames)
    return [next(x for k, x in enumerate(frames, 1) if k >= (1.0 - share) * n) for share in shares]


def side_rows(looks, side, hour, least_looks):
    """Rows of a side input for a horizon in an hour, from pairs of UTC in ns and levels."""
    hour_ns = 3_600_000_000_000
    n_bins = len(looks[0][1])
    rows = np.full((side.n_rows, n_bins), np.nan)
    for row in range(side.n_rows):
        begin = hour - side.step_hours * (side.n_rows - row)
        for q in range(n_bins):
            means = []
            for one in range(begin, begin + side.span_hours):
                powers = [10 ** (x[q] / 10) for at, x in looks if at // hour_ns == one]
                if len(powers) >= least_looks:
                    means.append(sum(powers) / len(powers))
            if len(means) >= side.span_hours / 2:
                rows[row, q] = 10 * math.log10(sum(means) / len(means))
    return rows


def low_and_high(rows):
    """Of every column, what a tenth of the rows do not exceed, and what a tenth do not fall below.

    Behind the columns stands each row's floor, the level that a tenth of its columns do not exceed.
    """
    full = [[*row, sorted(row)[round(0.1 * (len(row) - 1))]] for row in rows]
    low, high = [], []
    for column in zip(*full, strict=True):
        values = sorted(column)
        at = round(0.1 * (len(values) - 1))
        low.append(values[at])
        high.append(values[len(values) - 1 - at])
    return low, high


def refit_by_folds(features, outputs, left, weights, n_horizon, n_folds, strengths):
    """The last layer's change of :class:`edgespec.inference.refit.Refit`, by rows and ``lstsq``.

    ``features`` ``(n, f)``, ``outputs`` and ``left`` ``(n, n_horizon * n_bins)``. Returns the
    change ``(f + 1, n_outputs)``, offset last, and for each order its start and strength.
    """
    n, n_features = features.shape
    n_bins = left.shape[1] // n_horizon
    fold_of = np.arange(n) * n_folds // n
    known = np.column_stack([features, np.ones(n)])
    orders = [
        [
            math.sqrt((1 if k == 0 else 2) / n_horizon)
            * math.cos(math.pi * k * (2 * h + 1) / (2 * n_horizon))
            for h in range(n_horizon)
        ]
        for k in range(n_horizon)
    ]

    def affine(rows):
        change = np.zeros((n_features + 1, left.shape[1]))
        for b in range(n_bins):
            columns = [h * n_bins + b for h in range(n_horizon)]
            x, y, w = [], [], []
            for row in rows:
                x += [float(outputs[row, column]) for column in columns]
                y += [float(left[row, column]) for column in columns]
                w += [float(weights[row])] * n_horizon
            design = np.column_stack([x, np.ones(len(x))]) * np.array(w)[:, None]
            slope, offset = np.linalg.lstsq(design, np.array(y) * w, rcond=None)[0]
            for column in columns:
                added = slope * outputs[:, column].astype(np.float64) + offset
                change[:, column] = np.linalg.lstsq(known, added, rcond=None)[0]
        return change

    def ridge(rows, start, strength):
        x, y, w = features[rows], left[rows].astype(np.float64), weights[rows][:, None]
        if math.isinf(strength):
            change = start.copy()
            change[-1] = (w**2 * (y - x @ start[:-1])).sum(axis=0) / (w**2).sum()
            return change
        means = (w**2 * x).sum(axis=0) / (w**2).sum()
        root = math.sqrt(strength * (w**2 * (x - means) ** 2).sum() / n_features)
        held = np.column_stack([root * np.eye(n_features), np.zeros(n_features)])
        design = np.vstack([w * np.column_stack([x, np.ones(len(x))]), held])
        return np.linalg.lstsq(design, np.vstack([w * y, root * start[:-1]]), rcond=None)[0]

    def candidates(rows):
        for name, start in (("nothing", np.zeros((n_features + 1, left.shape[1]))),
                            ("affine", affine(rows))):  # fmt: skip
            for strength in strengths:
                yield (name, strength), ridge(rows, start, strength)

    def energies(rows, rest, k):
        total = 0.0
        for row in rows:
            planes = rest[row].reshape(n_horizon, n_bins)
            turned = sum(orders[k][h] * planes[h] for h in range(n_horizon))
            total += weights[row] ** 2 * float((turned**2).sum())
        return total

    gains = [{} for _ in range(n_horizon)]
    for fold in range(n_folds):
        seen, others = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
        for name, change in candidates(others):
            rest = left - known @ change
            for k in range(n_horizon):
                gain = energies(seen, left, k) - energies(seen, rest, k)
                gains[k][name] = gains[k].get(name, 0.0) + gain
    best = [max(found, key=found.get) for found in gains]
    taken, choices = np.zeros((n_features + 1, left.shape[1])), [("", 0.0)] * n_horizon
    for name, change in candidates(np.arange(n)):
        for k in range(n_horizon):
            if name == best[k] and gains[k][name] > 0:
                choices[k] = name
                planes = change.reshape(-1, n_horizon, n_bins)
                turned = sum(orders[k][h] * planes[:, h] for h in range(n_horizon))
                for h in range(n_horizon):
                    columns = slice(h * n_bins, (h + 1) * n_bins)
                    taken[:, columns] += orders[k][h] * turned
    return taken, tuple(choices)


def sweep_scan_score(
    rows_db: np.ndarray, usual_db: np.ndarray, spread_db: np.ndarray, excess: list[np.ndarray]
) -> float:
    """Return the largest deviation of the windows that end with the last of some sweeps."""
    most = 0.0
    for place, length in enumerate((1, 3, 10)):
        for number, width in enumerate((1, 3, 9, 27)):
            for lower in range(rows_db.shape[1] - width + 1):
                total = part = 0.0
                n_newest = math.ceil(length / 3)
                for age, row_db in enumerate(rows_db[::-1][:length]):
                    for bin_ in range(lower, lower + width):
                        shape_db = row_db[bin_] - np.median(row_db)
                        x = float((shape_db - usual_db[bin_]) / spread_db[bin_])
                        x = x if length == 1 else min(max(x, -6.0), 6.0)
                        total += x
                        part += x if age < n_newest else 0.0
                if length > 1 and part * np.sign(total) < abs(total) * n_newest / length / 3.0:
                    continue
                variance = excess[number][place][lower] * length * width
                most = max(most, abs(total) / float(np.sqrt(variance)))
    return most


def follow_calls(luck, normals, load, end, call_db, n_calls, own_db):
    """Calls of each carrier: ``(share, level_db)``, and the two states behind them."""
    n_sweeps, n_carriers = normals.shape
    n_calls, own_db = list(n_calls), list(own_db)
    share = np.zeros((n_sweeps, n_carriers))
    level_db = np.zeros((n_sweeps, n_carriers))
    for t in range(n_sweeps):
        for c in range(n_carriers):
            if n_calls[c] < 8 and luck[t, c, 0] < 8 * load[t] * end:
                n_calls[c] += 1
                own_db[c] = call_db * normals[t, c]
            if n_calls[c] > 0 and luck[t, c, 1] < n_calls[c] * end:
                n_calls[c] -= 1
            share[t, c] = n_calls[c] / 8
            level_db[t, c] = own_db[c]
    return share, level_db, n_calls, own_db


def hear(luck, flutter, share, power, first, shape, run_points):
    """What a sweep hears of carriers: the sum of those that are on, at each point."""
    n_sweeps, n_points = flutter.shape
    heard = np.zeros((n_sweeps, n_points))
    for t in range(n_sweeps):
        for point in range(n_points):
            for c in range(len(first)):
                k = point - first[c]
                if 0 <= k < len(shape) and luck[t, c, k // run_points] < share[t, c]:
                    heard[t, point] += power[t, c] * shape[k] * flutter[t, point]
    return heard


def rms(a, b):
    """Root mean square of the difference of two lists of numbers."""
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / len(a))


def plane_error(expected, seen, power):
    """Mean of ``|seen - expected| ** power`` over all points of two planes."""
    errors = [
        abs(float(y) - float(x)) ** power
        for row, other in zip(expected, seen, strict=True)
        for x, y in zip(row, other, strict=True)
    ]
    return sum(errors) / len(errors)


def warped(expected, seen, band):
    """Dynamic time warping by recursion over pairs of frames (Sakoe and Chiba 1978)."""
    a, b = np.asarray(expected, float), np.asarray(seen, float)
    known = {(-1, -1): 0.0}

    def cost(i, j):
        if (i, j) in known:
            return known[i, j]
        if i < 0 or j < 0 or abs(i - j) > band:
            return math.inf
        best = min(cost(i - 1, j - 1), cost(i - 1, j), cost(i, j - 1))
        known[i, j] = sum((a[i] - b[j]) ** 2) + best
        return known[i, j]

    return math.sqrt(cost(len(a) - 1, len(b) - 1) / a.size)


def hausdorff(expected, seen):
    """Largest distance of a frame from the frame of the other plane that is nearest to it."""
    there = [min(rms(a, b) for b in seen) for a in expected]
    back = [min(rms(a, b) for a in expected) for b in seen]
    return max(*there, *back)


def ramps(levels, tolerance):
    """Slope over each step of the ramps of a swinging door: each goes as far as one line can."""
    slopes, start = [], 0
    while start < len(levels) - 1:
        end = start + 1
        while end + 1 < len(levels):
            passed = range(start + 1, end + 2)
            rises = [(levels[t] - levels[start], t - start) for t in passed]
            lowest = max((rise - tolerance) / n for rise, n in rises)
            highest = min((rise + tolerance) / n for rise, n in rises)
            if lowest > highest:
                break
            end += 1
        slopes += [(levels[end] - levels[start]) / (end - start)] * (end - start)
        start = end
    return slopes


def ramp_score(expected, seen, tolerance):
    """Mean difference of the slopes of two planes, bin by bin (Vallance et al. 2017)."""
    a, b = np.asarray(expected, float), np.asarray(seen, float)
    differences = [
        abs(x - y)
        for q in range(a.shape[1])
        for x, y in zip(ramps(a[:, q], tolerance), ramps(b[:, q], tolerance), strict=True)
    ]
    return sum(differences) / max(len(differences), 1)


def percentile(expected, seen, percent):
    """The smallest error that at least ``percent`` of all points do not exceed."""
    errors = sorted(np.abs(np.asarray(seen, float) - np.asarray(expected, float)).ravel())
    return next(e for n, e in enumerate(errors, 1) if n >= percent / 100 * len(errors))


def pearson(values):
    """Peng et al. 2022, eq. 6, of every two columns over the rows that both have; or NaN."""
    n = values.shape[1]
    found = np.full((n, n), np.nan)
    for i in range(n):
        for j in range(n):
            both = np.isfinite(values[:, i]) & np.isfinite(values[:, j])
            a, b = (values[both, k].astype(float) for k in (i, j))
            if len(a) and np.ptp(a) > 0 and np.ptp(b) > 0:
                a, b = a - a.mean(), b - b.mean()
                found[i, j] = (a * b).mean() / math.sqrt((a * a).mean() * (b * b).mean())
    return found


def autocorrelation(values, n_lags):
    """Mean product of values so many steps apart, over those that are there, by the variance."""
    values = values - np.nanmean(values)
    found = []
    for lag in range(n_lags + 1):
        products = [
            values[t] * values[t + lag]
            for t in range(len(values) - lag)
            if np.isfinite(values[t]) and np.isfinite(values[t + lag])
        ]
        found.append(sum(products) / len(products) if products else np.nan)
    return np.array(found) / found[0]


def exceedances(values, limit, rules, hop_s, *, by_one, stays_s, most):
    """Return the scores below ``most`` of events that a threshold makes of a detector's scores."""
    above = [hop for hop, value in enumerate(values) if value > limit]
    runs = []
    for hop in above:
        if runs and hop - runs[-1][-1] <= round(rules.hold_off_s / hop_s):
            runs[-1].append(hop)
        else:
            runs.append([hop])
    found = []
    for run in runs:
        peak = 0.0
        for hop in run:
            window = [values[at] for at in run if hop - rules.n < at <= hop]
            if len(window) >= rules.k:
                peak = max(peak, sorted(window)[-rules.k])
            if by_one and values[hop] > 3.0 * limit:
                peak = max(peak, values[hop] / 3.0)
        if 0.0 < peak < most and (run[-1] - run[0] + 1) * hop_s < stays_s - hop_s / 2:
            found.append(peak)
    return found


def envelope_blocks(wave, n_samples):
    """Power of every block, and twice the variance of its modulus."""
    power, left = [], []
    for first in range(0, len(wave) - n_samples + 1, n_samples):
        sizes = [abs(complex(value)) for value in wave[first : first + n_samples]]
        mean = sum(sizes) / n_samples
        power.append(sum(size**2 for size in sizes) / n_samples)
        left.append(2.0 * sum((size - mean) ** 2 for size in sizes) / n_samples)
    return power, left


def envelope_ranks(rows, quantiles):
    """Quantiles in dB of the last of some rows, and of all: sorted, the nearest rank."""
    out = []
    for values in (list(rows[-1]), [value for row in rows for value in row]):
        places = [int(q * (len(values) - 1) + 0.5) for q in quantiles]
        out.append([10.0 * np.log10(float(sorted(values)[place])) for place in places])
    return out


def walk_posterior(walk_map, levels_db, power_error_db):
    """Posterior over all cells: Student's t for each unit, one offset for all, by plain loops."""
    offsets = [(-7 / 3 + i * 2 / 3) for i in range(8)]
    signal_db = walk_map.signal_db.reshape(-1, len(levels_db)).astype(float)
    error_db = walk_map.error_db.reshape(-1, len(levels_db)).astype(float)
    nu = walk_map.freedom
    evidence = []
    for cell in range(len(signal_db)):
        total = 0.0
        for step in offsets:
            log = 0.0
            for unit, level in enumerate(levels_db):
                if math.isnan(level) or not walk_map.is_known[unit]:
                    continue
                signal = 10 ** ((signal_db[cell, unit] + step * power_error_db) / 10)
                expected = 10 * math.log10(signal + 10 ** (walk_map.floor_db[unit] / 10))
                z = (level - expected) / error_db[cell, unit]
                log -= math.log(error_db[cell, unit]) + (nu + 1) / 2 * math.log(1 + z * z / nu)
            total += math.exp(walk_map.weight * log - step * step / 2)
        evidence.append(total)
    return np.array(evidence) / sum(evidence)


def known_median(values):
    """Median of what is not NaN; None where nothing is."""
    known = sorted(float(value) for value in values if not math.isnan(value))
    if not known:
        return None
    return 0.5 * (known[(len(known) - 1) // 2] + known[len(known) // 2])


def unit_gains(off_db, n_rounds=4, n_prior=5.0):
    """Gains of units by a median polish of squares and units, drawn to none."""
    n_squares, n_units = len(off_db), len(off_db[0])
    left = [[float(value) for value in row] for row in off_db]
    gain = [0.0] * n_units
    for _ in range(n_rounds):
        for square in range(n_squares):
            middle = known_median(left[square]) or 0.0
            left[square] = [value - middle for value in left[square]]
        for unit in range(n_units):
            middle = known_median([row[unit] for row in left]) or 0.0
            gain[unit] += middle
            for row in left:
                row[unit] -= middle
    of_squares = [known_median([v - g for v, g in zip(row, gain, strict=True)]) for row in off_db]
    common = known_median([one for one in of_squares if one is not None])
    found = []
    for unit in range(n_units):
        n = sum(not math.isnan(row[unit]) for row in off_db)
        drawn = gain[unit] * n / (n + n_prior) + common * n_squares / (n_squares + n_prior)
        found.append(drawn if n else 0.0)
    return found


def error_that_holds(heard_db, cells, gain_db, errors_db, level=0.9, freedom=7.0):
    """Least of some errors at which enough sources are in regions that hold ``level``."""
    for error_db in errors_db:
        n_held = 0
        for heard, true_cell in zip(heard_db, cells, strict=True):
            likely = []
            for gains in gain_db:
                off = [h - g for h, g in zip(heard, gains, strict=True)]
                middle = known_median(off)
                product = 1.0
                for one in off:
                    if not math.isnan(one):
                        z = (one - middle) / error_db
                        product *= (1.0 + z * z / freedom) ** (-0.5 * (freedom + 1.0))
                likely.append(product)
            before = sum(one for one in likely if one > likely[true_cell])
            n_held += before < level * sum(likely)
        if n_held >= level * len(heard_db):
            return error_db
    return errors_db[-1]


class Distrust:
    """How each unit differs from the median of all, followed over snapshots, array by array."""

    def __init__(
        self, limit_db: float, share: float, may_stick: NDArray[np.bool_], n_subbands: int
    ) -> None:
        n_units = len(may_stick)
        self.mean_db = np.zeros((n_units, n_subbands))
        self.n_same = np.zeros(n_units, np.int64)
        self._limit_db, self._share, self._may_stick = limit_db, share, may_stick
        self._last_db = np.full((n_units, n_subbands), np.nan)

    def update(
        self,
        level_db: NDArray[np.float64],
        window: Window,
        is_occupied: NDArray[np.bool_],
        is_alarm: bool,
        is_held: NDArray[np.bool_],
        known: Collection[int],
    ) -> list[int]:
        """Return the units that are distrusted from now on, the worst first."""
        heard = window.kind != MISSING
        if not heard.any():
            return list(known)
        is_known = np.isin(np.arange(len(heard)), list(known))
        residual_db = np.where(heard[:, None], window.residual_db, 0.0)
        step = np.where(heard, self._share, 0.0)
        if is_alarm:
            difference_db = np.minimum(residual_db, 0.0)
            step[is_known] = 0.0
        else:
            ordered_db = np.sort(residual_db[heard], axis=0)
            difference_db = residual_db - ordered_db[len(ordered_db) // 2]
        self.mean_db += step[:, None] * (difference_db - self.mean_db)
        spoke = heard & ~is_held
        same = (level_db == self._last_db).all(axis=1)
        self.n_same = np.where(spoke, np.where(same, self.n_same + 1, 0), self.n_same)
        self._last_db[spoke] = level_db[spoke]
        limit_db = np.maximum(self._limit_db, 5.0 * window.scale_db)
        worst = (np.abs(self.mean_db) / limit_db).max(axis=1)
        if is_alarm:
            low = (self.mean_db < -limit_db) & is_occupied
            suspect = is_known | (2 * low.sum(axis=1) > np.maximum(is_occupied.sum(axis=1), 1))
        else:
            suspect = np.where(is_known, worst > 0.5, worst > 1.0)
        stuck = self._may_stick & (self.n_same >= 20) & (window.kind != LOWER_BOUND)
        suspects = np.flatnonzero(suspect | stuck)
        rank = np.where(stuck, np.inf, worst)[suspects]
        most = (int(heard.sum()) - 1) // 2
        return [int(unit) for unit in suspects[np.argsort(-rank, kind="stable")][:most]]


def drifted(
    drift_db: NDArray[np.float64],
    residual_db: NDArray[np.float64],
    kind: NDArray[np.uint8],
    step_db: float,
    bound_db: float,
) -> NDArray[np.float64]:
    """Return the drift of each unit after a normal snapshot."""
    after_db = drift_db.copy()
    for unit in np.flatnonzero(kind == MEASURED):
        wanted_db = 0.02 * np.clip(residual_db[unit], -3.0, 3.0).mean()
        moved_db = drift_db[unit] + np.clip(wanted_db, -step_db, step_db)
        after_db[unit] = np.clip(moved_db, -bound_db, bound_db)
    return after_db
