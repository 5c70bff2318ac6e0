# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The panels of a run's picture, one function each."""

import numpy as np
from matplotlib import colors, ticker
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

# Okabe and Ito's palette, which colour-blind readers can tell apart, without its yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
ACCENT, GREEN = COLOURS[1:3]
INK, GREY = "#444444", "#8C8C8C"
FEW = 30  # Up to so many values are drawn as dots too.
MANY = 5000  # From so many steps on, curves are pixels in the SVG as well, or it would be huge.


# ---- Small things ------------------------------------------------------------------------------


def pale(colour, share=0.5):
    return tuple(1 - share * (1 - part) for part in to_rgb(colour))


def finite(*columns):
    values = np.concatenate(columns)
    return values[np.isfinite(values)]


def plain(text):
    """Text that matplotlib takes neither for a formula nor for a hidden label."""
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")


def draw_line(axes, x, y, **style):
    """A line through all values; few of them are drawn as dots too, one would be invisible."""
    few = np.isfinite(y).sum() <= FEW
    axes.plot(x, y, marker="o" if few else None, markersize=2.5, rasterized=len(x) > MANY, **style)


def draw_ticks(axes, x, height, colour, size):
    """Short strokes at a height in the panel from 0 to 1."""
    axes.plot(x, np.full(len(x), height), "|", color=colour, markersize=size, markeredgewidth=0.7,
              transform=axes.get_xaxis_transform())


def role(label, colour, marker="", size=4, line="", width=1.0):
    return Line2D([], [], label=label, color=colour, marker=marker, markersize=size,
                  linestyle=line, linewidth=width)


def legend_above(axes, handles):
    """In the margin, where no data is."""
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1.005), ncol=len(handles))


def say_nothing_there(axes, what):
    axes.text(0.5, 0.5, what, ha="center", va="center", transform=axes.transAxes, color=GREY)
    axes.yaxis.set_major_locator(ticker.NullLocator())
    axes.yaxis.set_minor_locator(ticker.NullLocator())


# ---- The panels of a run -----------------------------------------------------------------------


def running_mean(y):
    """Over 1 % of the run around each step, near ones count most; NaN are passed over."""
    kernel = np.bartlett(2 * min(max(2, len(y) // 100), 500) + 1)
    there = np.isfinite(y)
    weights = np.convolve(there, kernel, "same")
    sums = np.convolve(np.where(there, y, 0), kernel, "same")
    return sums / np.where(weights > 0, weights, np.nan)


def draw_loss(axes, runs):
    alone, smoothed = len(runs) == 1, [len(run.step) > 2 * FEW for run in runs]
    for run, smooth in zip(runs, smoothed):
        draw_line(axes, run.step, run.loss, zorder=1.8, linewidth=0.6 if smooth else 1.3,
                  color=pale(run.colour) if smooth else run.colour)
        if smooth:
            draw_line(axes, run.step, running_mean(run.loss), color=run.colour, linewidth=1.5)
        there = np.isfinite(run.validation)
        axes.plot(run.step[there], run.validation[there], "o", markersize=4.2, zorder=4,
                  color=ACCENT if alone else run.colour, markeredgecolor="white",
                  markeredgewidth=0.7, clip_on=False)
    axes.set_ylabel("loss")
    limit_loss(axes, runs)
    colour, accent = (runs[0].colour, ACCENT) if alone else (GREY, GREY)
    roles = [role("training", pale(colour) if any(smoothed) else colour, line="-")]
    if any(smoothed):
        roles.append(role("running mean", colour, line="-", width=1.5))
    if len(finite(*(run.validation for run in runs))):
        roles.append(role("validation", accent, "o"))
    legend_above(axes, roles)


def limit_loss(axes, runs):
    """The fall of the first steps leaves through the top, or it would flatten all the rest."""
    late = [column[len(column) // 20:] for run in runs for column in (run.loss, run.validation)]
    values = finite(*late)
    if len(values) == 0:
        return say_nothing_there(axes, "no finite loss")
    low, high = values.min(), values.max()
    if 0 < 20 * low < high:
        axes.set_yscale("log")
        return axes.set_ylim(low / 1.2, high * 1.2)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 1
    return axes.set_ylim(low - margin, high + margin)


def draw_curvature(axes, runs):
    alone = len(runs) == 1
    axes.set_yscale("log")
    axes.set_ylabel(name_of_sharpness(runs))
    top = limit_curvature(axes, runs)
    for row, run in enumerate(runs):
        step, bound = run.step[run.measured], run.threshold()
        sharpness = np.where(run.sharpness > 0, run.sharpness, np.nan)[run.measured]
        sure = run.quality[run.measured] == "converged"
        dots = {"markersize": 1.8 if len(step) > 100 else 3, "markeredgewidth": 0,
                "rasterized": len(step) > MANY}
        axes.plot(step, sharpness, "o-", color=pale(run.colour), linewidth=0.8, **dots)
        axes.plot(step[sure], sharpness[sure], "o", color=run.colour, **dots)
        draw_held_out(axes, run, GREEN if alone else run.colour)
        draw_line(axes, run.step, bound, linestyle="--", linewidth=1,
                  color=INK if alone else run.colour)
        if alone:
            axes.fill_between(run.step, bound, top, color=pale(ACCENT, 0.08), linewidth=0,
                              zorder=0, rasterized=len(run.step) > MANY)
        draw_ticks(axes, run.step[run.lost], 0.03 + row * min(0.05, 0.4 / len(runs)),
                   ACCENT if alone else run.colour, 5)
    legend_above(axes, curvature_roles(runs))


def draw_held_out(axes, run, colour):
    """λ's direction on sequences that it was not fitted to, with their standard error."""
    there = run.held_out > 0
    axes.errorbar(run.step[there], run.held_out[there], run.held_out_error[there], fmt="s",
                  color=colour, markersize=3, elinewidth=0.9, capsize=1.5, zorder=3)


def limit_curvature(axes, runs):
    """Room for every λ and for the lowest threshold, which is far away while the learning rate is
    small. Returns the upper end."""
    values = finite(*(run.sharpness for run in runs))
    bounds = finite(*(run.threshold() for run in runs))
    shown = values[values > 0]
    if len(shown) < len(values):
        axes.text(0.01, 0.96, f"not shown: {len(values) - len(shown)} values of 0 or less",
                  va="top", fontsize=8, transform=axes.transAxes)
    if len(shown) == 0:
        say_nothing_there(axes, "no estimate")
        shown = np.array([1.0])
    held_out = finite(*(run.held_out for run in runs))
    shown = np.append(shown, held_out[held_out > 0])
    ends = [shown.min(), shown.max(), *(bounds.min() for _ in bounds[:1])]
    axes.set_ylim(min(ends) / 2, max(ends) * 2.5)
    return max(ends) * 2.5


def name_of_sharpness(runs):
    configs = [run.config.get("curvature", {}) for run in runs]
    kinds = {(config.get("method"), config.get("matrix")) for config in configs}
    method, matrix = kinds.pop() if len(kinds) == 1 else (None, None)
    name = "critical sharpness λ" if method == "critical" else "sharpness λ"
    of = {"preconditioned": "\npreconditioned Hessian", "hessian": "\nHessian",
          "gauss_newton": "\nGauss–Newton matrix", "spectral": "\nover spectral norms"}
    return name + of.get(matrix, "")


def curvature_roles(runs):
    alone, lost = len(runs) == 1, sum(run.lost.sum() for run in runs)
    colour, accent, bound = (runs[0].colour, ACCENT, INK) if alone else (GREY, GREY, GREY)
    roles = [role("converged", colour, "o", 3),
             role("following", pale(colour), "o", 3, "-"),
             role("stability threshold", bound, line="--")]
    if any((run.held_out > 0).any() for run in runs):
        roles.insert(2, role("held out ± standard error", GREEN if alone else GREY, "s", 3))
    if lost:
        roles.append(role(f"lost ({lost} step{'s' if lost > 1 else ''})", accent, "|", 6))
    return roles


def draw_ratios(axes, runs):
    """λη and the directional sharpness, both over their threshold: above 1 a quadratic model of
    the loss diverges, or rises along the update."""
    alone = len(runs) == 1
    axes.set_yscale("log")
    axes.set_ylabel("sharpness / threshold")
    for run in runs:
        positive = np.where(run.ratio > 0, run.ratio, np.nan)[run.measured]
        draw_line(axes, run.step[run.measured], positive, color=pale(run.colour), linewidth=1)
        there = np.isfinite(run.along) & (run.along > 0)
        draw_line(axes, run.step[there], run.along[there], linewidth=1.2,
                  color=GREEN if alone else run.colour)
    axes.axhline(1, color=INK, linestyle="--", linewidth=1)
    colour, along = (runs[0].colour, GREEN) if alone else (GREY, GREY)
    legend_above(axes, [role("largest eigenvalue", pale(colour), line="-"),
                        role("along the update", along, line="-", width=1.2)])


def draw_parabola(axes, runs):
    """What the update did to the loss of the probe, and what its parabola said."""
    alone = len(runs) == 1
    for run in runs:
        there = np.isfinite(run.actual)
        draw_line(axes, run.step[there], run.predicted[there], color=pale(run.colour), linewidth=2)
        draw_line(axes, run.step[there], run.actual[there], color=ACCENT if alone else run.colour,
                  linewidth=0.8)
    axes.axhline(0, color=GREY, linewidth=0.7)
    axes.set_ylabel("change of\nthe loss")
    colour, actual = (runs[0].colour, ACCENT) if alone else (GREY, GREY)
    legend_above(axes, [role("parabola", pale(colour), line="-", width=2),
                        role("actual", actual, line="-")])


def draw_mass(axes, runs):
    """Where the eigenvector lives."""
    run = runs[0]
    parts, shares = run.by_part["mass"]
    there = np.isfinite(shares).any(axis=0)
    top = max(finite(shares[:, there].ravel()).max(), 1e-9)
    draw_parts(axes, parts, run.step[there], np.nan_to_num(shares[:, there]),
               colors.PowerNorm(0.5, vmin=0, vmax=top))
    axes.set_title(f"shares of the eigenvector, white 0 to blue {top:.2g}", fontsize=8,
                   loc="right", pad=2)


def draw_part_sharpness(axes, runs):
    """λ of each part alone; parts take turns, and one keeps its value until its next."""
    run = runs[0]
    parts, values = run.by_part["part_lambda"]
    held = np.array([hold(row) for row in np.where(values > 0, values, np.nan)])
    low, high = np.nanmin(held), np.nanmax(held)
    draw_parts(axes, parts, run.step, held, colors.LogNorm(low, max(high, 1.01 * low)))
    axes.set_title(f"λ of each part alone, white {low:.2g} to blue {high:.2g}", fontsize=8,
                   loc="right", pad=2)


def hold(values):
    """Each NaN becomes the value before it."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
    return np.where(last >= 0, values[np.maximum(last, 0)], np.nan)


def draw_parts(axes, parts, step, values, norm):
    """Parts of the model from below, [parts, steps] in shades of blue."""
    edges = np.append(step - 0.5, step[-1] + 0.5)
    axes.pcolormesh(edges, np.arange(len(parts) + 1) - 0.5, values, rasterized=True, norm=norm,
                    cmap="Blues")
    shown = range(0, len(parts), max(1, len(parts) // 12))
    axes.set_yticks(list(shown), [parts[i].replace("blocks.", "") for i in shown], fontsize=6)
    axes.grid(False)


def draw_rate(axes, runs):
    for run in runs:
        draw_line(axes, run.step, run.rate, color=run.colour, linewidth=1.3)
    axes.set_ylim(0, 1.08 * finite(*(run.rate for run in runs)).max() or 1)
    axes.set_ylabel("learning rate")
    axes.yaxis.set_major_locator(ticker.MaxNLocator(3, steps=(1, 2, 5, 10)))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda rate, _: f"{rate:g}"))


def draw_depth(axes, runs):
    for run in runs:
        axes.step(run.step, run.depth, where="post", color=run.colour, linewidth=1.3)
    depths = np.unique(finite(*(run.depth for run in runs)))
    axes.set_ylim(0, 1.15 * depths[-1])
    axes.set_ylabel("active depth")
    axes.yaxis.set_major_locator(ticker.FixedLocator(depths) if len(depths) <= 4
                                 else ticker.MaxNLocator(4, integer=True))


def mark_growth(axes, runs):
    for run in runs:
        for step in run.grown:
            axes.axvline(step, linestyle=":", linewidth=0.9, zorder=0.5,
                         color=GREY if len(runs) == 1 else run.colour)
