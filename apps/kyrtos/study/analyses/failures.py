# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shares of runs that fail, by method and rate. What the verdict asks for is fixed here."""

import math

import numpy as np

from ..numbers import diverged, final_loss, interval, mean, pm, share
from ..report import Answer, colours

PLAIN_FAILS = 0.8  # the share of plain runs that fails at a rate which can tell anything
CURE_FAILS = 0.1  # the share of grown runs that may fail there
NEAR = 0.02  # nats that the best grown loss may lie above the best plain one
ERRORS = 3  # standard errors by which all blocks have to end better than half of them


class Rates:
    """The runs of a method by learning rate."""

    def __init__(self, results, methods, rates):
        self.cases = {rate: [c for m in methods for c in results.of(m, peak=rate)] for rate in rates}

    def failed(self, rates):
        """(share, low, high) of the runs at these rates together."""
        cases = [case for rate in rates for case in self.cases[rate]]
        return share(sum(map(diverged, cases)), len(cases))

    def loss(self, rate):
        """(mean, error) of the runs that did not fail; NaN where one did."""
        cases = self.cases[rate]
        if not cases or any(map(diverged, cases)):
            return math.nan, math.nan
        return mean(map(final_loss, cases))[:2]

    def best(self):
        """(rate, mean, error) of the best rate at which none fails."""
        found = [(rate, *self.loss(rate)) for rate in self.cases]
        found = [one for one in found if math.isfinite(one[1])]
        return min(found, key=lambda one: one[1], default=(math.nan,) * 3)


def groups_of(results, options):
    """Methods by the name under which they count; `join` puts several under one."""
    joined = options.get("join", {})
    name_of = {method: name for name, methods in joined.items() for method in methods}
    found = {}
    for method in results.methods:
        found.setdefault(name_of.get(method, method), []).append(method)
    return found


def depth_matters(full, half):
    """Whether the best of those with all blocks ends better than half by more than ERRORS errors."""
    best = min((one.best()[1:] for one in full), default=(math.nan,) * 2,
               key=lambda found: np.nan_to_num(found[0], nan=math.inf))
    _, loss, error = half.best()
    return loss - best[0] > ERRORS * math.hypot(*np.nan_to_num([error, best[1]]))


def judge(of, options):
    """(verdict, why, rates at which plain runs fail). `of` has Rates by name, `options` the names of
    what is compared."""
    plain, grown, half, chance = (of.get(options[key]) for key in
                                  ("plain", "grown", "half", "random"))
    if not (plain and grown and half and chance):
        return "cannot be said", "this size leaves methods out", []
    telling = [rate for rate in plain.cases if plain.failed([rate])[0] >= PLAIN_FAILS]
    if not telling:
        return "cannot be said", "plain runs fail too seldom at every rate", []
    of_grown, of_plain = grown.failed(telling), plain.failed(telling)
    if of_grown[1] > CURE_FAILS:
        return "no", f"growth fails in more than {CURE_FAILS:.0%} for sure", telling
    if not depth_matters([plain, *(of[name] for name in options["cures"] if name in of)], half):
        return "cannot be said", (f"all blocks do not end better than half of them by {ERRORS} "
                                  "standard errors"), telling
    if of_grown[2] >= of_plain[1]:
        return "cannot be said", "the intervals of growth and plain overlap", telling
    if any(other.failed(telling)[0] <= of_grown[0] for other in (half, chance)):
        return "in part", "growth fails less, but half depth or random times do as well", telling
    best, plainly = grown.best()[1], plain.best()[1]
    cheap = min((of[name].best()[1] for name in options["cures"] if name in of
                 and math.isfinite(of[name].best()[1])), default=math.nan)
    if of_grown[0] > CURE_FAILS or best > plainly + NEAR or best > cheap:
        return "in part", "growth fails less, but ends worse than plain or a cheap cure", telling
    return "yes", "growth fails less than all controls and ends as well", telling


def analyse(study, results, page):
    rates = results.values("peak")
    of = {name: Rates(results, methods, rates) for name, methods in groups_of(results, study.options).items()}
    page.text("A run fails that is not finite, or in the end no better than at the start or than "
              "knowing only how frequent each byte is (to 0.05 nats). Shares have exact 95 % "
              "intervals (Clopper and Pearson); losses are of validation data, mean ± standard error "
              "over runs, where none failed.")
    head = [f"rate {rate:g}" for rate in rates]
    rows = []
    for name, one in of.items():
        counts = [f"{sum(map(diverged, one.cases[r]))} of {len(one.cases[r])}" for r in rates]
        rate, loss, error = one.best()
        rows.append([name, *counts, interval(one.failed(rates)),
                     *(pm(*one.loss(r)) if math.isfinite(one.loss(r)[0]) else "–" for r in rates),
                     f"{pm(loss, error)} at {rate:g}" if math.isfinite(loss) else "–"])
    page.table(["method", *(f"failed, {h}" for h in head), "share of all", *(f"loss, {h}" for h in head),
                "best"], rows)
    agrees, why, telling = judge(of, study.options)
    where = "where plain fails" if telling else "all rates"
    page.figure("failures", f"Shares of runs that failed, {where}, with exact 95 % intervals",
                lambda axes: draw(axes, of, telling or rates, where), height=0.25 * len(of) + 1)
    page.check("depth never shrinks", all((np.diff(c["active_depth"]) >= 0).all() for c in results))
    words = "; ".join(f"{name} {interval(of[name].failed(telling or rates))}" for name in of)
    page.answer = Answer(f"shares of runs that failed {'where plain fails' if telling else 'in all'}: "
                         f"{words}", agrees, f"{why}; {len(list(results))} runs")


def draw(axes, of, rates, where):
    shades = colours(of)
    for i, (name, one) in enumerate(of.items()):
        value, low, high = one.failed(rates)
        axes.errorbar(value, i, xerr=[[value - low], [high - value]], fmt="o", markersize=4,
                      color=shades[name], linewidth=1.2)
    axes.set(yticks=range(len(of)), xlim=(-0.03, 1.03), xlabel=f"share that failed, {where}")
    axes.set_yticklabels(list(of))
    axes.invert_yaxis()
