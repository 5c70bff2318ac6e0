# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What following the curvature costs, in time and memory."""

import math

import numpy as np

from ..numbers import mean, pm
from ..report import Answer, colours


def step_times(case):
    """Without the first step (cold start, first touch of memory): as long as the others are whole
    periods of measurements, their mean is right."""
    return case["seconds"][1:]


def shares(cases, bare):
    """What each run's mean step costs over a step without measurement, less 1: over steps of the
    same run where it has such, so that no drift of the machine's speed disturbs it, else over the
    run of `bare` at the same point."""
    for case in cases:
        twins = [b for b in bare if b.point == case.point and b.steps == case.steps]
        if not twins:
            continue
        reference = np.mean(step_times(twins[0]))
        if case.config.get("curvature.every", 1) > 1:
            reference = np.median(step_times(case)[case["hvps"][1:] == 0])
        yield np.mean(step_times(case)) / reference - 1


def parameters(config):
    width, depth = config["model.width"], config["model.depth"]
    return 12 * width * width * depth + config.get("model.vocabulary", 256) * width


def analyse(study, results, page):
    bare = study.options.get("bare", "off")
    sizes = results.values("width")
    rows, found = [], {}
    for width in sizes:
        without = results.of(bare, width=width)
        for method in results.methods:
            cases = [c for c in results.of(method, width=width) if c.steps > 3]
            if not cases or not without:
                continue
            share, error, _ = mean(shares(cases, without))
            found[method, width] = share
            time = mean([np.mean(step_times(c)) for c in cases])[0]
            memory = mean([c.memory for c in cases])[0]
            memory_bare = mean([c.memory for c in without])[0]
            hvps = mean(np.concatenate([c["hvps"][1:] for c in cases]))[0]
            rows.append([f"{parameters(cases[0].config) / 1e6:.1f}M", method, f"{1e3 * time:.0f}",
                         "–" if method == bare else f"{pm(100 * share, 100 * error, 1)} %",
                         f"{hvps:.2f}" if math.isfinite(hvps) else "–", f"{memory / 2**20:.0f}",
                         "–" if method == bare else f"{100 * (memory / memory_bare - 1):.0f} %",
                         len(cases)])
    page.table(["matrix parameters", "method", "ms a step", "overhead", "HVPs a step",
                "memory, MiB", "more memory", "runs"], rows)
    config = results.cases[0].config
    demanded = 8 / 3 * config["curvature.probe_sequences"] / config["training.batch"]
    page.text("Overhead is against the same run without curvature, where a method does not measure "
              "at every step against the other steps of its own; memory is the most that the process "
              "held. A product with the Hessian of n sequences costs 8/3 gradients of these n: with "
              f"this study's probe at every step {100 * demanded:.1f} % of the arithmetic of a step.")
    methods = [m for m in results.methods if m != bare]
    shades = colours(methods)

    def draw(axes):
        for method in methods:
            known = [(parameters(results.of(method, width=w)[0].config), 100 * found[method, w])
                     for w in sizes if (method, w) in found]
            axes.loglog(*np.maximum(np.array(known).T, 0.1), "o-", color=shades[method],
                        label=method, markersize=3)
        axes.set(xlabel="parameters", ylabel="overhead, % of a step")
        axes.legend(fontsize=7)

    page.figure("overhead", "Time for the curvature as a share of a step without it", draw, height=3)
    page.check("every method takes the same training steps, bit by bit", all(
        np.array_equal(c["loss"], o["loss"]) for c in results
        for o in results.of(bare, width=c.point["model.width"]) if o.point == c.point
        and o.steps == c.steps))
    cheap = study.options.get("cheap")
    if cheap not in methods:
        cheap = methods[0]
    share = found[cheap, max(w for m, w in found if m == cheap)]
    page.answer = Answer(
        "; ".join(f"{m}: " + ", ".join(f"{100 * found[m, w]:.1f} % at width {w}"
                                       for w in sizes if (m, w) in found) for m in methods),
        "yes" if share < 0.1 else "in part" if share < 0.5 else "no",
        "mean step times on one machine; sizes that do not fit its memory are not run here")
