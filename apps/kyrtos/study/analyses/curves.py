# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""For studies without an analysis of their own: loss curves and the final losses."""

import numpy as np

from ..numbers import diverged, final_loss, with_error
from ..report import Answer, colours


def analyse(study, results, page):
    shades = colours(results.methods)

    def draw(axes):
        for case in results:
            axes.plot(case["step"], case["loss"], color=shades[case.method], linewidth=0.8)
        axes.set(xlabel="step", ylabel="training loss")

    page.figure("loss", "Training loss of all runs, one colour a method", draw)
    rows, best = [], {}
    for method in results.methods:
        groups = {}
        for case in results.of(method):
            point = {k: v for k, v in case.point.items() if not k.endswith("seed")}
            groups.setdefault(str(point), []).append(case)
        for point, cases in groups.items():
            losses = [final_loss(case) for case in cases]
            best.setdefault(method, []).append(np.mean(losses))
            rows.append([method, point, with_error(losses), sum(map(diverged, cases)), len(cases)])
    page.table(["method", "point", "final loss", "diverged", "runs"], rows)
    winner = min(best, key=lambda method: min(best[method]))
    page.answer = Answer(f"the lowest mean loss, {min(best[winner]):.3f}, is that of {winner}",
                         "cannot be said", "this analysis compares means and claims nothing")
