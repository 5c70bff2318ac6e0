# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether loss spikes come with surges of curvature, and which signal warns best."""

import numpy as np

from ..numbers import diverged, loss_spikes, mean, surges
from ..report import Answer, colours

SIGNALS = {"λη/threshold": "threshold_ratio", "λ against its past": "lambda_z",
           "critical sharpness": "critical", "z of the loss": "loss_z",
           "z of the gradient norm": "gradient_z", "largest attention logit": "logit_z"}


def past_z(values, window=32):
    """Each value against the median and scatter of those before it."""
    values, found = np.asarray(values, float), np.zeros(len(values))
    for i in range(window // 2, len(values)):
        before = values[max(0, i - window):i]
        before = before[np.isfinite(before)]
        if len(before) < window // 2:
            continue
        scatter = 1.4826 * np.median(np.abs(before - np.median(before)))
        found[i] = (values[i] - np.median(before)) / max(scatter, 1e-12)
    return np.nan_to_num(found)


def signal(case, twin, name):
    """One value a step, known by the end of the step, before the loss of the next."""
    column = SIGNALS[name]
    if column == "lambda_z":
        return past_z(np.log(np.maximum(case["lambda"], 1e-30)))
    if column == "logit_z":
        return past_z(case["largest_logit"])
    if column == "critical":
        return np.nan_to_num(twin["threshold_ratio"]) if twin else np.zeros(case.steps)
    return np.nan_to_num(case[column])


def twin_of(results, case):
    """The same training, watched by critical sharpness."""
    return next((c for c in results.of("critical") if c.point == case.point
                 and c.steps == case.steps), None)


def alarm_quality(pairs, threshold, horizon):
    """Precision and recall of 'the signal exceeds the threshold' as a warning of a spike in the
    next `horizon` steps. Neighbouring alarms count as one."""
    hits = alarms = caught = spikes = 0
    for values, at in pairs:
        on = np.flatnonzero(values > threshold)
        first = on[np.diff(on, prepend=-10 * horizon) > horizon]
        alarms += len(first)
        spikes += len(at)
        # The loss at index i was measured before step i's update: an alarm at i - 1 is a warning.
        hits += sum(np.any((at > i) & (at <= i + horizon)) for i in first)
        caught += sum(np.any((on < i) & (on >= i - horizon)) for i in at)
    return (hits / alarms if alarms else np.nan, caught / spikes if spikes else np.nan)


def best_alarm(pairs, horizon):
    """(F1, precision, recall, threshold) of the best threshold, and all precisions and recalls."""
    values = np.concatenate([v for v, _ in pairs]) if pairs else np.array([])
    values = values[np.isfinite(values) & (values > 0)]
    if len(values) == 0:
        return (0, np.nan, np.nan, np.nan), []
    curve = []
    for threshold in np.unique(np.quantile(values, np.r_[0:0.9:10j, 0.9:0.999:30j])):
        precision, recall = alarm_quality(pairs, threshold, horizon)
        if np.isfinite(precision) and np.isfinite(recall):
            f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0
            curve.append((f1, precision, recall, threshold))
    return max(curve, default=(0, np.nan, np.nan, np.nan)), curve


def coincidence(cases, horizon):
    """Lags of the nearest surge of λ to each loss spike (negative: λ was first), and how many spikes
    have one within the horizon, against surges that are shifted around the run."""
    lags, near, by_chance, spikes = [], 0, [], 0
    random = np.random.default_rng(1)
    for case in cases:
        at, steps = loss_spikes(case), case.steps
        leaps = surges(np.log(np.maximum(np.nan_to_num(case["lambda"]), 1e-30)), least=np.log(1.5))
        # λ at index i is of the parameters after step i; the loss at i + 1 is of the same.
        leaps = leaps + 1
        spikes += len(at)
        if len(at) == 0 or len(leaps) == 0:
            continue
        distance = leaps[None, :] - at[:, None]
        nearest = distance[np.arange(len(at)), np.abs(distance).argmin(axis=1)]
        lags += [lag for lag in nearest if abs(lag) <= 3 * horizon]
        near += np.sum(np.abs(nearest) <= horizon)
        for _ in range(200):
            moved = (leaps + random.integers(steps)) % steps
            away = np.abs(moved[None, :] - at[:, None]).min(axis=1)
            by_chance.append(np.sum(away <= horizon) / 200)
    return lags, near, sum(by_chance), spikes


def end_of_diverged(cases, page):
    rows = []
    for case in cases:
        if not diverged(case):
            continue
        ratio = case["threshold_ratio"]
        past = np.flatnonzero(ratio > 1)
        rows.append([case.name, "not finite" if case.not_finite else "learnt nothing",
                     case.steps, int(past[0]) + 1 if len(past) else "never",
                     f"{np.nanmedian(ratio):.2f}", f"{np.nanmax(ratio):.3g}"])
    page.heading("Curvature of the runs that diverged")
    if rows:
        page.table(["run", "how", "steps", "λη first above the threshold at step",
                    "median λη/threshold", "largest"], rows)
    else:
        page.text("No run diverged.")


def analyse(study, results, page):
    horizon = study.options.get("horizon", 10)
    watched = [case for case in results.of("tracker") if case.steps > 40]
    twins = [twin_of(results, case) for case in watched]
    page.check("how curvature is watched does not change the training, bit by bit", all(
        np.array_equal(case["loss"], twin["loss"]) for case, twin in zip(watched, twins) if twin))
    events = [loss_spikes(case) for case in watched]
    lags, near, chance, spikes = coincidence(watched, horizon)
    page.text("A loss spike is a training loss above the median of the 16 before by 0.1 nats and six "
              "times the scatter from step to step; a surge of λ is the same of log λ, and a factor "
              f"of 1.5. Horizon: {horizon} steps.")
    rows = []
    for peak in results.values("peak"):
        cases = [c for c in watched if c.point["schedule.peak"] == peak]
        rows.append([f"{peak:g}", len(cases), sum(len(loss_spikes(c)) for c in cases),
                     sum(map(diverged, cases)),
                     f"{mean([np.nanmedian(c['threshold_ratio']) for c in cases])[0]:.2f}",
                     f"{mean([np.mean(c['threshold_ratio'] > 1) for c in cases])[0]:.0%}"])
    page.table(["peak learning rate", "runs", "loss spikes", "diverged", "median λη/threshold",
                "steps above the threshold"], rows)
    page.heading("Alarms")
    quality, curves = {}, {}
    for name in SIGNALS:
        pairs = [(signal(c, t, name), at) for c, t, at in zip(watched, twins, events)
                 if name != "critical sharpness" or t]
        quality[name], curves[name] = best_alarm(pairs, horizon)
    share = np.mean([np.any((at > i) & (at <= i + horizon)) for c, at in zip(watched, events)
                     for i in range(c.steps)]) if watched else np.nan
    page.table(["signal", "best F1", "precision", "recall", "at threshold"],
               [[name, *(f"{x:.2f}" for x in q[:3]), f"{q[3]:.3g}"] for name, q in quality.items()])
    page.text(f"An alarm at a random step would be right with probability {share:.2f}.")

    def draw(axes):
        shades = colours(SIGNALS)
        for name, curve in curves.items():
            if curve:
                _, precision, recall, _ = np.array(sorted(curve, key=lambda c: c[2])).T
                axes[0].plot(recall, precision, "o-", markersize=2.5, linewidth=1, label=name,
                             color=shades[name])
        axes[0].axhline(share, color="#8C8C8C", linestyle="--", linewidth=0.8)
        axes[0].set(xlabel="recall", ylabel="precision", ylim=(0, 1.05))
        if axes[0].lines[:-1]:
            axes[0].legend(fontsize=6.5)
        axes[1].hist(lags, bins=np.arange(-3 * horizon - 0.5, 3 * horizon + 1), color="#0072B2")
        axes[1].set(xlabel="steps from a loss spike to the nearest surge of λ", ylabel="spikes")

    page.figure("alarms", "Warnings of loss spikes; when λ surges around a spike (left of 0: before)",
                draw, columns=2, height=3)
    end_of_diverged(watched, page)
    answer(page, quality, near, chance, spikes, lags, len(watched))


def answer(page, quality, near, chance, spikes, lags, runs):
    if spikes == 0:
        page.answer = Answer("no run had a loss spike", "cannot be said", f"{runs} runs")
        return
    ranked = sorted(quality, key=lambda name: -quality[name][0])
    error = np.sqrt(max(near * (1 - near / spikes), 1))
    agrees = "yes" if near > chance + 3 * error and near > spikes / 2 else (
        "in part" if near > chance + 2 * error else "no")
    lag = f"; the median lag of λ is {np.median(lags):+.0f} steps" if lags else ""
    page.answer = Answer(
        f"{near} of {spikes} loss spikes have a surge of λ nearby, {chance:.1f} by chance{lag}; the "
        f"best warning is {ranked[0]} (F1 {quality[ranked[0]][0]:.2f}), λη/threshold has "
        f"{quality['λη/threshold'][0]:.2f}", agrees,
        f"{spikes} spikes in {runs} runs; thresholds of all signals were chosen on the same runs, "
        "which flatters each of them alike")
