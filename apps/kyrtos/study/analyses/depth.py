# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How curvature depends on the number of blocks."""

import numpy as np

from ..numbers import diverged, loss_spikes, mean, with_error
from ..report import Answer, colours


def exponent(depths, values):
    """Slope of log value over log depth, with its standard error."""
    x, y = np.log(depths), np.log(values)
    fit, covariance = (np.polyfit(x, y, 1, cov="unscaled") if len(set(depths)) > 2
                       else (np.polyfit(x, y, 1), np.full((2, 2), np.nan)))
    scatter = np.std(y - np.polyval(fit, x), ddof=2) if len(x) > 2 else np.nan
    return fit[0], scatter * np.sqrt(covariance[0, 0])


def start(case):
    """Median over the first estimates that are there."""
    known = case["lambda"][np.isfinite(case["lambda"])]
    return float(np.median(known[:5])) if len(known) else np.nan


def peak(case):
    known = case["lambda"][case["step"] > 20]
    return float(np.nanmax(known)) if np.isfinite(known).any() else np.nan


def analyse(study, results, page):
    depths, matrices = results.values("depth"), results.values("matrix")
    shades = colours(depths)
    slopes = {}
    for matrix in matrices:
        rows = []
        for depth in depths:
            cases = results.of(depth=depth, matrix=matrix)
            rows.append([depth, with_error([np.log10(start(c)) for c in cases], 2),
                         with_error([np.log10(peak(c)) for c in cases], 2),
                         with_error([np.nanmax(c["threshold_ratio"][20:]) for c in cases], 2),
                         sum(len(loss_spikes(c)) for c in cases),
                         sum(map(diverged, cases)), len(cases)])
        page.heading(f"λ of the {matrix} matrix")
        page.table(["blocks", "log₁₀ λ at the start", "log₁₀ of the largest λ later",
                    "largest λη/threshold later", "loss spikes", "diverged", "runs"], rows)
        for name, of in (("start", start), ("largest", peak)):
            known = [(c.point["model.depth"], of(c)) for c in results.of(matrix=matrix)
                     if np.isfinite(of(c)) and of(c) > 0]
            slopes[matrix, name] = exponent(*np.array(known).T) if len(known) > 2 else (np.nan,) * 2

    def draw(axes):
        axes = axes if isinstance(axes, list) else [axes]
        for panel, matrix in zip(axes, matrices):
            for depth in depths:
                curves = [c["lambda"] for c in results.of(depth=depth, matrix=matrix)]
                n = min(map(len, curves))
                with np.errstate(all="ignore"):
                    logs = np.log(np.array([c[:n] for c in curves]))
                    middle = np.exp(np.nanmean(logs, axis=0))
                panel.semilogy(np.arange(1, n + 1), middle, color=shades[depth], linewidth=1,
                               label=f"{depth} blocks")
            panel.set(xlabel="step", ylabel=f"λ, {matrix}")
        axes[-1].legend(fontsize=7)

    page.text("Later means from step 21 on: in Adam's first steps the second moment is of few "
              "gradients, and λ of the preconditioned matrix is huge and means little.")
    page.figure("depth", "λ along training at each depth (geometric mean over seeds)", draw,
                columns=len(matrices), height=3)
    words = "; ".join(f"{matrix}: exponent {a:+.2f} ± {e:.2f} at the start, "
                      f"{slopes[matrix, 'largest'][0]:+.2f} ± {slopes[matrix, 'largest'][1]:.2f} "
                      "for the largest" for (matrix, name), (a, e) in slopes.items()
                      if name == "start")
    main = slopes.get(("preconditioned", "largest"), (np.nan, np.nan))
    certain = main[0] - 2 * main[1] > 0
    against = main[0] + 2 * main[1] < 0
    deepest = results.of(depth=depths[-1])
    shallow = results.of(depth=depths[0])
    page.answer = Answer(
        f"λ as a power of the number of blocks: {words}. Loss spikes a run: "
        f"{mean([len(loss_spikes(c)) for c in shallow])[0]:.1f} with {depths[0]} blocks, "
        f"{mean([len(loss_spikes(c)) for c in deepest])[0]:.1f} with {depths[-1]}",
        "yes" if certain else "no" if against else "cannot be said",
        f"{len(results.values('seed'))} seeds a depth at one width and learning rate; errors are "
        "one standard error of the fit")
