# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What following the curvature costs, in time and memory."""

import math

import numpy as np

from ..numbers import mean, pm
from ..report import Answer, colours


def seconds_of(cases):
    """Mean step time of each, without the first step (cold start, first touch of memory): as long as
    the others are whole periods of measurements, their share is right."""
    return [float(np.mean(c["seconds"][1:])) for c in cases if c.steps > 3]


def parameters(config):
    width, depth = config["model.width"], config["model.depth"]
    return 12 * width * width * depth + config.get("model.vocabulary", 256) * width


def analyse(study, results, page):
    bare = study.options.get("bare", "off")
    sizes = results.values("width")
    rows, shares = [], {}
    for width in sizes:
        base = seconds_of(results.of(bare, width=width))
        if not base:
            continue
        for method in results.methods:
            cases = results.of(method, width=width)
            times = seconds_of(cases)
            if not times:
                continue
            share = mean(times)[0] / mean(base)[0] - 1
            error = share_error(times, base)
            shares[method, width] = share
            memory = mean([c.memory for c in cases])[0]
            memory_bare = mean([c.memory for c in results.of(bare, width=width)])[0]
            hvps = mean(np.concatenate([c["hvps"][1:] for c in cases]))[0]
            rows.append([f"{parameters(cases[0].config) / 1e6:.1f}M", method,
                         f"{1e3 * mean(times)[0]:.0f}",
                         "–" if method == bare else f"{pm(100 * share, 100 * error, 1)} %",
                         f"{hvps:.2f}" if math.isfinite(hvps) else "–", f"{memory / 2**20:.0f}",
                         "–" if method == bare else f"{100 * (memory / memory_bare - 1):.0f} %",
                         len(times)])
    page.table(["matrix parameters", "method", "ms a step", "overhead", "HVPs a step",
                "memory, MiB", "more memory", "runs"], rows)
    page.text("Overhead is against the same run without curvature; memory is the most that the "
              "process held. A product with the Hessian of n sequences costs 8/3 gradients of these "
              "n: a probe of 1/8 of the batch at every step is 33 % of the arithmetic of a step, and "
              "every tenth step 3.3 %.")
    methods = [m for m in results.methods if m != bare]
    shades = colours(methods)

    def draw(axes):
        for method in methods:
            known = [(parameters(results.of(method, width=w)[0].config), 100 * shares[method, w])
                     for w in sizes if (method, w) in shares]
            axes.loglog(*np.maximum(np.array(known).T, 0.1), "o-", color=shades[method],
                        label=method, markersize=3)
        axes.set(xlabel="parameters", ylabel="overhead, % of a step")
        axes.legend(fontsize=7)

    page.figure("overhead", "Time for the curvature as a share of a step without it", draw, height=3)
    page.check("every method takes the same training steps, bit by bit", all(
        np.array_equal(c["loss"], o["loss"]) for c in results
        for o in results.of(bare, width=c.point["model.width"]) if o.point == c.point
        and o.steps == c.steps))
    cheap = study.options.get("cheap", methods[0])
    known = {w: shares[cheap, w] for w in sizes if (cheap, w) in shares}
    largest = max(known)
    share = known[largest]
    page.answer = Answer(
        f"{cheap}: {', '.join(f'{100 * s:.1f} % at width {w}' for w, s in known.items())}",
        "yes" if share < 0.1 else "in part" if share < 0.5 else "no",
        "mean step times on one machine; sizes that do not fit its memory are not "
        "run here")


def share_error(times, base):
    (a, e, _), (b, f, _) = mean(times), mean(base)
    return a / b * math.hypot(e / a, f / b)
