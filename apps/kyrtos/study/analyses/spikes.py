# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What comes before spikes of the loss: each signal in the steps before a spike, against calm steps
of the same runs. What a spike and an alarm are is fixed here, not fitted."""

import math

import numpy as np

from ..numbers import bootstrap, interval, quantiles, recovered_spikes
from ..report import Answer, colours

HORIZON = 20  # steps before a spike that count as before it
CALM = 100  # steps to the nearest spike that calm steps keep
FIRST = 50  # the tracker has to find the eigenvector first
SUSTAINED = 3  # measurements above 1 make an alarm
GATE = 50  # spikes, without which nothing is said

# Name, column, method whose runs have it, and whether 1 is its threshold.
SIGNALS = [("λη/threshold on the batch", "threshold_ratio", "batch", True),
           ("curvature along the update", "directional_ratio", "batch", True),
           ("λη/threshold on a fixed probe", "threshold_ratio", "fixed", True),
           ("RMS(g²/v)", "rms_ratio", "batch", True),
           ("gradient norm", "gradient_norm", "batch", False),
           ("z of the gradient norm", "gradient_z", "batch", False),
           ("z of the loss", "loss_z", "batch", False)]


def windows_of(case):
    """Beginnings of windows of HORIZON steps: those that end at a spike, and calm ones. The loss at
    index i was measured before step i's update, as were the signals there."""
    spikes = recovered_spikes(case["loss"])
    before, busy = [], np.zeros(case.steps, bool)
    last_end = 0
    for start, end in spikes:
        if start - HORIZON >= max(FIRST, last_end):
            before.append(start - HORIZON)
        busy[max(0, start - CALM):end + CALM] = True
        last_end = end
    calm = [i for i in range(FIRST, case.steps - HORIZON, HORIZON)
            if not busy[i:i + HORIZON].any()]
    return before, calm


def level(values, begin):
    """The SUSTAINED-th largest measurement in a window; NaN where there are fewer."""
    found = values[begin:begin + HORIZON]
    found = np.sort(found[np.isfinite(found)])
    return found[-SUSTAINED] if len(found) >= SUSTAINED else math.nan


def lead(values, spike):
    """Steps from where the signal passed 1 for good to the spike; 0 where it hadn't."""
    first = spike
    for i in range(spike - 1, -1, -1):
        if np.isfinite(values[i]):
            if values[i] <= 1:
                break
            first = i
    return spike - first


def area_under_curve(before, calm):
    """The probability that a window before a spike has a larger level than a calm one."""
    if len(before) == 0 or len(calm) == 0:
        return math.nan
    calm = np.sort(calm)
    below = np.searchsorted(calm, before, "left") + np.searchsorted(calm, before, "right")
    return float(np.mean(below) / (2 * len(calm)))


class Signal:
    """Levels of one signal, run by run."""

    def __init__(self, cases, twins, column, has_threshold):
        self.before, self.calm, self.leads = [], [], []
        for case, twin in zip(cases, twins):
            values = twin[column]
            before, calm = windows_of(case)
            keep = lambda begins: np.array([x for x in (level(values, i) for i in begins)
                                            if math.isfinite(x)])
            self.before.append(keep(before))
            self.calm.append(keep(calm))
            if has_threshold:
                self.leads += [lead(values, begin + HORIZON) for begin in before]

    def over_runs(self, statistic):
        """(value, low, high) of statistic(before, calm) with a 95 % interval over runs."""
        def of(runs):
            return statistic(np.concatenate([self.before[r] for r in runs]),
                             np.concatenate([self.calm[r] for r in runs]))
        return bootstrap(of, len(self.before)) if self.before else (math.nan,) * 3

    def area(self):
        return self.over_runs(area_under_curve)

    def alarms(self, which):
        pick = {"before": lambda b, c: b, "calm": lambda b, c: c}[which]
        return self.over_runs(lambda b, c: float(np.mean(pick(b, c) > 1)) if len(pick(b, c)) else
                              math.nan)

    def difference(self):
        return self.over_runs(lambda b, c: float(np.mean(b > 1) - np.mean(c > 1))
                              if len(b) and len(c) else math.nan)


def rates(page, cases, beside):
    """A table by β₂, and of the runs in float64 beside them; the number of spikes in float32."""
    total = 0
    rows = []
    groups = [(of, beta2) for of in (cases, beside)
              for beta2 in sorted({case.point["optimizer.beta2"] for case in of})]
    for of, beta2 in groups:
        runs = [c for c in of if c.point["optimizer.beta2"] == beta2]
        spikes = [recovered_spikes(c["loss"]) for c in runs]
        steps = np.array([c.steps for c in runs])
        counts = np.array([len(s) for s in spikes])
        total += counts.sum() if of is cases else 0
        rate = bootstrap(lambda chosen: 1000 * counts[chosen].sum() / steps[chosen].sum(), len(runs))
        heights = [c["loss"][a:b].max() for c, s in zip(runs, spikes) for a, b in s]
        ends = [c["loss"][-100:].mean() for c in runs]
        low, middle, high, _ = quantiles(heights)
        name = f"{beta2:g}" + (", float64" if of is beside else "")
        rows.append([name, len(runs), counts.sum(), interval(rate),
                     f"{middle:.2g} ({low:.2g} to {high:.2g})" if heights else "–",
                     sum(c.not_finite for c in runs), f"{np.mean(ends):.4f}"])
    page.table(["β₂", "runs", "spikes", "in 1,000 steps (95 %)", "highest loss, median (quartiles)",
                "not finite", "loss at the end"], rows)
    return int(total)


def areas_by_beta2(page, cases, twins):
    """Areas under the curve within runs of one β₂: between them levels and rates of spikes differ."""
    values = sorted({case.point["optimizer.beta2"] for case in cases})
    rows = []
    for name, column, method, _ in SIGNALS:
        row = [name]
        for beta2 in values:
            known = [(c, t) for c, t in zip(cases, twins(method))
                     if t and c.point["optimizer.beta2"] == beta2]
            row.append(interval(Signal(*zip(*known), column, False).area()) if known else "–")
        rows.append(row)
    page.text("The areas within the runs of each β₂:")
    page.table(["signal", *(f"β₂ = {beta2:g}" for beta2 in values)], rows)


def draw_around(axes, cases, pairs, shades):
    """Medians of the signals by the distance to a spike."""
    reach = range(-3 * HORIZON, HORIZON + 1)
    for name, twins, column in pairs:
        rows = []
        for case, twin in zip(cases, twins):
            for begin in windows_of(case)[0] if twin else []:
                at = np.array(reach) + begin + HORIZON
                inside = (at >= 0) & (at < case.steps)
                row = np.full(len(at), np.nan)
                row[inside] = twin[column][at[inside]]
                rows.append(row)
        if not rows:
            continue
        with np.errstate(all="ignore"):
            rows = np.array(rows)
            measured = np.isfinite(rows).any(axis=0)
            axes.plot(np.array(reach)[measured], np.nanmedian(rows[:, measured], axis=0),
                      label=name, color=shades[name], linewidth=1.2)
    axes.axhline(1, color="#8C8C8C", linestyle="--", linewidth=0.8)
    axes.axvline(0, color="#8C8C8C", linewidth=0.8)
    axes.set(xlabel="steps from the beginning of a spike", ylabel="median", yscale="log")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6.5)


def analyse(study, results, page):
    cases = results.of("batch")
    def twins(method):
        return [next((c for c in results.of(method) if c.point == case.point
                      and c.steps == case.steps), None) for case in cases]
    both = [(case, twin) for case, twin in zip(cases, twins("fixed")) if twin]
    if both:
        page.check("how curvature is watched does not change the training, bit by bit",
                   all(np.array_equal(case["loss"], twin["loss"]) for case, twin in both))
    page.text("A spike begins where the loss passes its lowest value so far by 0.5 nats, or by a "
              "factor of 10 where that is below 0.05, and ends where it is halfway back. Intervals "
              "are 95 %, by drawing runs again.")
    total = rates(page, cases, results.of("float64"))
    page.heading(f"The {HORIZON} steps before a spike, against calm ones")
    page.text(f"A window's level is the {SUSTAINED}rd largest measurement in its {HORIZON} steps; an "
              f"alarm is a level above 1. Calm windows are {CALM} steps from any spike. The area "
              "under the curve is the probability that a window before a spike has a higher level "
              "than a calm one: 0.5 by chance. The lead is how long the signal had been above 1.")
    rows, signals = [], {}
    for name, column, method, has_threshold in SIGNALS:
        known = [(c, t) for c, t in zip(cases, twins(method)) if t]
        if not known:
            continue
        signal = signals[name] = Signal(*zip(*known), column, has_threshold)
        row = [name, sum(map(len, signal.before)), sum(map(len, signal.calm)),
               interval(signal.area())]
        if has_threshold:
            lags = quantiles(signal.leads)
            row += [interval(signal.alarms("before")), interval(signal.alarms("calm")),
                    interval((lags[1], lags[0], lags[2]), "{:.0f}")]
        else:
            row += ["–", "–", "–"]
        rows.append(row)
    page.table(["signal", "spikes", "calm windows", "area under the curve", "alarm before spikes",
                "alarm in calm windows", "lead in steps, median (quartiles)"], rows)
    areas_by_beta2(page, cases, twins)
    shades = colours([s[0] for s in SIGNALS if s[3]])
    pairs = [(name, twins(method), column) for name, column, method, has in SIGNALS
             if has and any(twins(method))]
    page.figure("around", "The signals around spikes, medians over all of them",
                lambda axes: draw_around(axes, cases, pairs, shades), height=3)
    answer(page, total, signals, len(cases))


def answer(page, total, signals, runs):
    first = signals.get(SIGNALS[0][0])
    if total < GATE or first is None:
        page.answer = Answer(f"{total} spikes, where {GATE} were asked for beforehand",
                             "cannot be said", f"{runs} runs")
        return
    before, calm, difference = first.alarms("before"), first.alarms("calm"), first.difference()
    areas = {name: signal.area() for name, signal in signals.items()}
    best = max(areas, key=lambda name: np.nan_to_num(areas[name][0]))
    verdict = "in part"
    if before[0] >= 0.8 and calm[0] <= 1 / 3:
        verdict = "yes"
    elif not difference[1] > 0:
        verdict = "no"
    page.answer = Answer(
        f"λη on the batch was above its threshold before {before[0]:.0%} of the spikes and in "
        f"{calm[0]:.0%} of calm windows; the signal that tells them apart best is {best} (area under "
        f"the curve {areas[best][0]:.2f}; λη on the batch {areas[SIGNALS[0][0]][0]:.2f})", verdict,
        f"{total} spikes in {runs} runs; the difference is {interval(difference)}. Yes would be at "
        "least 80 % and at most a third, no an interval that holds 0")
