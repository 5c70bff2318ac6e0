# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where λη settles by the size of the batch. What settled and at a threshold mean is fixed here."""

import numpy as np

from ..numbers import bootstrap, interval
from ..report import Answer, colours

LARGE, SMALL = 38.0, 2.0  # Adam's thresholds at β₁ = 0.9, for λη
WITHIN = 2.0  # a factor: so near a threshold λη is at it
SEEDS = 3  # of a size, without which nothing is said: drawing again from fewer says too little
SETTLED = 1.5  # a factor: the last quarter's median against that of the quarter before


def quarter(values, which):
    """The median of what is measured in a quarter of the run, 0 to 3."""
    length = len(values) // 4
    found = values[which * length:(which + 1) * length]
    found = found[np.isfinite(found)]
    return float(np.median(found)) if len(found) else np.nan


class Batch:
    """The runs of one size; values are of λη."""

    def __init__(self, cases):
        self.cases, self.size = cases, cases[0].config["training.batch"]
        products = [case["lambda"] * case["learning_rate"] for case in cases]
        self.last = np.array([quarter(p, 3) for p in products])
        self.drift = np.array([quarter(p, 3) / quarter(p, 2) for p in products])
        self.held_out = np.array([quarter(c["lambda_held_out"] * c["learning_rate"], 3)
                                  for c in cases])

    def over_seeds(self, values):
        return bootstrap(lambda runs: np.nanmean(values[runs]), len(values))

    @property
    def settled(self):
        return bool(np.all((self.drift < SETTLED) & (self.drift > 1 / SETTLED)))

    def at(self, threshold):
        """Whether the whole interval is near a threshold."""
        _, low, high = self.over_seeds(self.last)
        return low > threshold / WITHIN and high < threshold * WITHIN

    @property
    def words(self):
        if not self.settled:
            return "not settled"
        return next((f"at {t:g}/η" for t in (LARGE, SMALL) if self.at(t)), "at neither")


def analyse(study, results, page):
    batches = sorted((Batch(results.of(m)) for m in results.methods), key=lambda b: b.size)
    page.text(f"λη of the last quarter of a run, its median; intervals are 95 %, by drawing seeds "
              f"again. Settled: the quarter before differs by less than a factor of {SETTLED:g} for "
              f"every seed. At a threshold: the whole interval is within a factor of {WITHIN:g} of "
              "it. λ of a batch's own is fitted to it, and too large where the batch is small; on "
              "other sequences of the data the same direction has the held-out λ.")
    page.table(["batch", "runs", "λη on the batch", "over 38", "over 2", "λη held out",
                "last quarter over the one before", "loss at the end", "where"],
               [[b.size, len(b.cases), interval(b.over_seeds(b.last), "{:.3g}"),
                 f"{b.last.mean() / LARGE:.2f}", f"{b.last.mean() / SMALL:.2f}",
                 interval(b.over_seeds(b.held_out), "{:.3g}"),
                 f"{b.drift.min():.2f} to {b.drift.max():.2f}",
                 f"{np.mean([c['loss'][-100:].mean() for c in b.cases]):.3f}", b.words]
                for b in batches])
    page.figure("threshold", "λη of the step's own batch, medians of 25 steps, first seed",
                lambda axes: draw(axes, batches), height=3)
    # A measurement that would be lost has the budget of a cold one.
    page.check("no measurement takes more products than a cold one may", all(
        np.nanmax(c["hvps"]) <= c.config["curvature.cold_hvps"]
        + c.config["curvature.check_batches"] for b in batches for c in b.cases))
    answer(page, batches)


def answer(page, batches):
    least, most = batches[0], batches[-1]
    large, small = most.at(LARGE), least.at(SMALL)
    agrees = "in part" if large or small else "no"
    if large and small:
        agrees = "yes"
    seeds = min(len(least.cases), len(most.cases))
    if not (least.settled and most.settled) or seeds < SEEDS:
        agrees = "cannot be said"
    page.answer = Answer(
        "λη settles at " + ", ".join(f"{b.last.mean():.3g} (batch {b.size}: {b.words})"
                                     for b in batches), agrees,
        f"at least {seeds} seeds of the smallest and the largest size, where {SEEDS} were asked for; "
        "yes would be the largest batch at 38/η and the smallest at 2/η")


def draw(axes, batches):
    shades = colours([b.size for b in batches])
    for b in batches:
        case = b.cases[0]
        known = np.isfinite(case["lambda"])
        values = (case["lambda"] * case["learning_rate"])[known]
        steps, window = case["step"][known], 25
        count = max(1, len(values) // window)
        axes.plot([s.mean() for s in np.array_split(steps, count)],
                  [np.median(v) for v in np.array_split(values, count)], color=shades[b.size],
                  label=f"batch {b.size}", linewidth=1.2)
    for threshold in (LARGE, SMALL):
        axes.axhline(threshold, color="#8C8C8C", linestyle="--", linewidth=0.8)
    axes.set(xlabel="step", ylabel="λη", yscale="log")
    axes.legend(fontsize=6.5)
