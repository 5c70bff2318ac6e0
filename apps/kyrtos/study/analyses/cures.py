# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cures for instability, each over the same learning rates and seeds."""

import math

import numpy as np

from ..numbers import (diverged, final_loss, flops, loss_spikes, mean, pm, validation_at,
                       with_error)
from ..report import Answer, colours


def by_rate(results, method):
    """{peak: cases}, by the learning rates that the method was run with."""
    found = {}
    for case in results.of(method):
        found.setdefault(case.point["schedule.peak"], []).append(case)
    return dict(sorted(found.items()))


def mean_loss(cases):
    return np.mean([final_loss(case) for case in cases])


def best_rate(groups):
    return min(groups, key=lambda peak: mean_loss(groups[peak]))


def sensitivity(groups):
    """Wortsman et al. 2023: the mean over learning rates of min(loss, loss at the start) minus the
    best loss; one value a seed."""
    seeds = {case.point.get("training.seed") for cases in groups.values() for case in cases}
    found = []
    for seed in seeds:
        losses = [min(final_loss(c), c["loss"][0]) for cases in groups.values() for c in cases
                  if c.point.get("training.seed") == seed and c.steps]
        if losses:
            found.append(np.mean(losses) - min(losses))
    return found


def unstable(case):
    return diverged(case) or len(loss_spikes(case)) > 0


def counts(groups, question):
    return " ".join(str(sum(map(question, cases))) for cases in groups.values())


def equal_cost(results, page, plain):
    """Validation losses when the plain model's FLOPs, or its time, are spent or half spent."""
    reference = by_rate(results, plain)
    cases = [c for c in reference[best_rate(reference)] if not c.not_finite]
    if not cases:
        return
    budgets = {"FLOPs": np.mean([flops(c)[-1] for c in cases]),
               "time": np.mean([np.sum(c["seconds"]) for c in cases])}
    rows = []
    for method in results.methods:
        groups = by_rate(results, method)
        best = groups[best_rate(groups)]
        row = [method, with_error([final_loss(c) for c in best])]
        for kind, budget in budgets.items():
            for share in (0.5, 1.0):
                spent = [flops(c) if kind == "FLOPs" else np.cumsum(c["seconds"]) for c in best]
                row.append(with_error([validation_at(c, share * budget, s)
                                       for c, s in zip(best, spent)]))
        total = mean([flops(c)[-1] for c in best])[0] / budgets["FLOPs"]
        seconds = mean([np.sum(c["seconds"]) for c in best])[0] / budgets["time"]
        rows.append([*row, f"{total:.2f}", f"{seconds:.2f}"])
    page.heading("At equal cost")
    page.table(["method", "equal steps", "half the FLOPs", "equal FLOPs", "half the time",
                "equal time", "its FLOPs", "its time"], rows)
    page.text(f"Validation losses at each method's best learning rate. Budgets are those of "
              f"{plain} at its best; – : the method ends before it has spent them. Time includes "
              "measuring λ; it depends on what else the machine did.")


def check_bounds(results, page):
    capped = [c for c in results if c.config.get("model.soft_cap", 0) > 0]
    if capped:
        page.check("no attention logit exceeds the soft cap", all(
            np.nanmax(c["largest_logit"]) <= 1.0001 * c.config["model.soft_cap"] for c in capped))
    lengths = [c for c in results if c.config.get("schedule.cdat", 0) > 0]
    if lengths:
        page.check("CDAT's rates stay below the schedule's", all(
            np.all(c["learning_rate"] <= c.config["schedule.peak"] * 1.0001) for c in lengths))
    skipping = [c for c in results if c.config.get("training.skip_z_score", 0) > 0]
    if skipping:
        page.check("exactly the updates beyond the z-score are skipped", all(np.array_equal(
            np.maximum(c["loss_z"], c["gradient_z"]) > c.config["training.skip_z_score"],
            c["skipped"] > 0) for c in skipping))
    growing = [c for c in results if c.config.get("growth.when", "never") != "never"]
    if growing:
        page.check("depth never shrinks", all(np.all(np.diff(c["active_depth"]) >= 0)
                                              for c in growing if c.steps > 1))


def draw_rates(results, shades):
    def draw(axes):
        worst = max(c["loss"][0] for c in results if c.steps)
        for method in results.methods:
            groups = by_rate(results, method)
            losses = [[min(final_loss(c), worst) for c in cases] for cases in groups.values()]
            axes[0].errorbar(list(groups), [np.mean(l) for l in losses],
                             np.nan_to_num([mean(l)[1] for l in losses]), label=method,
                             color=shades[method], linewidth=1.1, marker="o", markersize=2.5,
                             capsize=2)
            axes[1].plot(list(groups), [np.mean([len(loss_spikes(c)) for c in cases])
                                        for cases in groups.values()],
                         label=method, color=shades[method], linewidth=1.1, marker="o",
                         markersize=2.5)
        axes[0].set(xscale="log", xlabel="peak learning rate", ylabel="final validation loss")
        axes[1].set(xscale="log", xlabel="peak learning rate", ylabel="loss spikes a run")
        axes[1].legend(fontsize=6.5)
    return draw


def analyse(study, results, page):
    plain = study.options.get("plain", results.methods[0])
    cure = study.options.get("cure", results.methods[-1])
    table = {method: by_rate(results, method) for method in results.methods}
    rates = " ".join(f"{peak:g}" for peak in results.values("peak"))
    rows = []
    for method, groups in table.items():
        best = best_rate(groups)
        rows.append([method, f"{best:g}", with_error([final_loss(c) for c in groups[best]]),
                     with_error(sensitivity(groups)), counts(groups, diverged),
                     counts(groups, lambda c: len(loss_spikes(c)))])
    page.table(["method", "best rate", "loss there", "sensitivity", "diverged runs, by rate",
                "loss spikes, by rate"], rows)
    page.text(f"Learning rates, in the order of the counts: {rates}. Losses are of validation data, "
              "mean ± standard error over seeds; sensitivity is that of Wortsman et al. 2023 "
              "(arXiv 2309.14322). Diverged: not finite, or in the end no better than knowing only "
              f"how frequent each byte is ({results.facts['chance']:.2f} nats, to 0.05). A loss spike "
              "is a training loss above the median of the 16 before by 0.1 nats and six times the "
              "scatter from step to step.")
    page.figure("rates", "Final loss and loss spikes over the learning rate; what diverged is drawn "
                "at the loss of the start", draw_rates(results, colours(results.methods)),
                columns=2, height=3.4)
    equal_cost(results, page, plain)
    check_bounds(results, page)
    conclude(page, table, plain, cure)


def conclude(page, table, plain, cure):
    """A rate at which the plain model fails on every seed and the cure on none, and no loss of
    quality at the best rates."""
    separating = [peak for peak in table[plain] if peak in table[cure]
                  and all(map(unstable, table[plain][peak]))
                  and not any(map(unstable, table[cure][peak]))]
    losses = {name: [final_loss(c) for c in table[name][best_rate(table[name])]]
              for name in (plain, cure)}
    (a, error_a, n), (b, error_b, _) = mean(losses[plain]), mean(losses[cure])
    error = math.hypot(*(e if math.isfinite(e) else 0 for e in (error_a, error_b)))
    as_good = b <= a + error
    fails = f"{plain} fails on every seed and {cure} on none"
    where = (f"at {', '.join(f'{peak:g}' for peak in separating)} {fails}" if separating
             else f"there is no rate at which {fails}")
    ranked = sorted(table, key=lambda m: mean(sensitivity(table[m]))[0])
    page.answer = Answer(
        f"{where}; at their best rates {cure} reaches {pm(b, error_b)} and {plain} "
        f"{pm(a, error_a)}; least sensitive to the learning rate: {ranked[0]} "
        f"({mean(sensitivity(table[ranked[0]]))[0]:.3f}), {cure} has "
        f"{mean(sensitivity(table[cure]))[0]:.3f}, {plain} {mean(sensitivity(table[plain]))[0]:.3f}",
        "yes" if separating and as_good else "in part" if separating or as_good else "no",
        f"{n} seeds at each of {len(table[plain])} learning rates; one model size")
