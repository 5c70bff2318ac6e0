# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Statistics that several analyses need."""

import math

import numpy as np


def mean(values):
    """(mean, standard error, count) of what is finite; the error of one value is NaN."""
    values = np.asarray([v for v in values if v is not None and math.isfinite(v)], float)
    if len(values) == 0:
        return math.nan, math.nan, 0
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return values.mean(), error, len(values)


def with_error(values, digits=3):
    """`1.234 ± 0.005` as text: the mean and its standard error; without it for one value."""
    middle, error, count = mean(values)
    if count == 0:
        return "–"
    return pm(middle, error, digits)


def pm(value, error, digits=3):
    """The same from a mean and its error."""
    return f"{value:.{digits}f}" + (f" ± {error:.{digits}f}" if math.isfinite(error) else "")


def quantiles(values, shares=(0.25, 0.5, 0.75, 0.9)):
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return [float(np.quantile(values, share)) if len(values) else math.nan for share in shares]


def surges(values, window=16, deviations=6.0, least=0.0):
    """Indices where a series leaps above what it was: further above the median of the `window`
    values before than `deviations` times its scatter and than `least`. The scatter is that of
    differences of neighbours (1.4826 times their median size, over √2) in three windows, so that a
    trend doesn't count. Of neighbours within half a window only the first counts: one event."""
    values = np.asarray(values, float)
    found, last = [], -window
    for i in range(window, len(values)):
        before = values[i - window:i]
        before = before[np.isfinite(before)]
        leaps = np.abs(np.diff(values[max(0, i - 3 * window):i]))
        leaps = leaps[np.isfinite(leaps)]
        if len(before) < window // 2 or len(leaps) == 0 or not np.isfinite(values[i]):
            continue
        scatter = 1.4826 * np.median(leaps) / math.sqrt(2)
        if values[i] - np.median(before) > max(deviations * scatter, least, 1e-12):
            if i - last > window // 2:
                found.append(i)
            last = i
    return np.array(found, int)


def loss_spikes(case):
    """Steps at which the training loss spikes: by 6 deviations and by 0.1 nats."""
    return surges(case["loss"], least=0.1)


def recovered_spikes(loss):
    """[(first, end)] of the spikes of a loss: it passes its lowest value so far by 0.5 nats, or by a
    factor of 10 where that is below 0.05, and comes halfway back from there."""
    spikes, lowest, first = [], math.inf, None
    for i, value in enumerate(loss):
        bar = 10 * lowest if lowest < 0.05 else lowest + 0.5
        if first is None and value > bar:
            first = i
        elif first is not None and value < (lowest + bar) / 2:
            spikes.append((first, i))
            first = None
        if first is None:
            lowest = min(lowest, value)
    return spikes


def bootstrap(statistic, runs, draws=1000, seed=1):
    """(value, low, high): a statistic of the runs with these numbers, and its 95 % interval where
    runs are drawn again with replacement."""
    random = np.random.default_rng(seed)
    found = np.array([statistic(random.integers(runs, size=runs)) for _ in range(draws)], float)
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, [0.025, 0.975]) if len(found) else (math.nan, math.nan)
    return statistic(np.arange(runs)), float(low), float(high)


def share(count, total):
    """(share, low, high): of `count` in `total`, with the exact 95 % interval (Clopper and Pearson),
    which says something at none and all of few, where drawing again does not."""
    def tail(p, counts):  # the probability of these counts
        return sum(math.comb(total, k) * p**k * (1 - p)**(total - k) for k in counts)

    def bisect(is_above):
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (low, middle) if is_above(middle) else (middle, high)
        return low

    if total == 0:
        return math.nan, math.nan, math.nan
    low = bisect(lambda p: tail(p, range(count, total + 1)) > 0.025) if count > 0 else 0.0
    high = bisect(lambda p: tail(p, range(count + 1)) < 0.025) if count < total else 1.0
    return count / total, low, high


def interval(found, form="{:.2f}"):
    """`0.50 (0.40 to 0.60)` of (value, low, high)."""
    if not math.isfinite(found[0]):
        return "–"
    value, low, high = (form.format(x) for x in found)
    return f"{value} ({low} to {high})"


def final_loss(case, tail=0.1):
    """The last validation loss, or infinity for a run that did not stay finite."""
    if case.not_finite or case.steps == 0:
        return math.inf
    known = case["validation_loss"]
    known = known[np.isfinite(known)]
    if len(known):
        return float(known[-1])
    return float(np.mean(case["loss"][-max(1, int(tail * case.steps)):]))


def diverged(case):
    """Not finite; or lost: in the end no better than at the start, or than knowing only how frequent
    each byte is (to 0.05 nats)."""
    return case.not_finite or (case.steps > 0 and final_loss(case)
                               >= min(case["loss"][0], case.chance - 0.05))


def flops(case):
    """Of all steps up to each: 6 a parameter of a matrix and token, with the blocks that took part,
    attention's pairs, and 8/3 of a gradient for each Hessian-vector product."""
    c, depth = case.config, case["active_depth"]
    width, length = c.get("model.width", 64), c.get("model.context", 64)
    swiglu = c.get("model.preset") == "llama" or c.get("model.activation") == "swiglu"
    default = -(-(8 * width // 3) // 64) * 64 if swiglu else 4 * width
    mlp = c.get("model.mlp_width") or default
    block = 4 * width * width + (3 if swiglu else 2) * width * mlp + length * width
    forward = 2 * (block * depth + c.get("model.vocabulary", 256) * width)
    tokens = c.get("training.batch", 8) * length
    probe = c.get("curvature.probe_sequences", 16) * length
    step = 3 * forward * tokens + 8 * forward * probe * np.nan_to_num(case["hvps"])
    if c.get("schedule.cdat", 0) > 0:
        step = step + 8 * forward * tokens
    return np.cumsum(step)


def validation_at(case, budget, spent):
    """The validation loss when `spent` (increasing) reaches the budget, between evaluations by
    interpolation; NaN where the run did not get that far."""
    known = np.isfinite(case["validation_loss"])
    if not known.any() or case.not_finite or spent[known][-1] < 0.999 * budget:
        return math.nan
    return float(np.interp(budget, spent[known], case["validation_loss"][known]))
