# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws what training runs recorded, or a spectral density, as PNG and SVG."""

import argparse
import sys
from pathlib import Path

try:
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker
    from matplotlib.colors import to_rgb
    from matplotlib.lines import Line2D
    from .record import PlotError, read_run, read_spectrum
except ImportError as fault:
    sys.exit(f"kyrtos plot: {fault} in {sys.executable}; install what draws the plots, on Debian "
             "with apt install python3-h5py python3-matplotlib, elsewhere with pip install h5py "
             "matplotlib, or name a Python that has it in KYRTOS_PYTHON, such as /usr/bin/python3")

# Okabe and Ito's palette, which colour-blind readers can tell apart, without its yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
ACCENT, GREEN = COLOURS[1:3]
INK, GREY = "#444444", "#8C8C8C"
STYLE = {
    "font.size": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 0.7),
    "ytick.minor.width": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#E8E8E8",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.4,
    "legend.borderpad": 0.2,
    "legend.borderaxespad": 0.1,
    "svg.hashsalt": "kyrtos",  # The same run gives the same file.
}
FEW = 30  # Up to so many values are drawn as dots too.
MANY = 5000  # From so many steps on, curves are pixels in the SVG as well, or it would be huge.
WIDTH, LEFT, RIGHT, FOOT = 8.0, 0.82, 0.2, 0.45  # inches


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
        draw_line(axes, run.step, bound, linestyle="--", linewidth=1,
                  color=INK if alone else run.colour)
        if alone:
            axes.fill_between(run.step, bound, top, color=pale(ACCENT, 0.08), linewidth=0,
                              zorder=0, rasterized=len(run.step) > MANY)
        draw_ticks(axes, run.step[run.lost], 0.03 + row * min(0.05, 0.4 / len(runs)),
                   ACCENT if alone else run.colour, 5)
    legend_above(axes, curvature_roles(runs))


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
    ends = [shown.min(), shown.max(), *(bounds.min() for _ in bounds[:1])]
    axes.set_ylim(min(ends) / 2, max(ends) * 2.5)
    return max(ends) * 2.5


def name_of_sharpness(runs):
    configs = [run.config.get("curvature", {}) for run in runs]
    kinds = {(config.get("method"), config.get("matrix")) for config in configs}
    method, matrix = kinds.pop() if len(kinds) == 1 else (None, None)
    name = "critical sharpness λ" if method == "critical" else "sharpness λ"
    of = {"preconditioned": "\npreconditioned Hessian", "hessian": "\nHessian",
          "gauss_newton": "\nGauss–Newton matrix"}
    return name + of.get(matrix, "")


def curvature_roles(runs):
    alone, lost = len(runs) == 1, sum(run.lost.sum() for run in runs)
    colour, accent, bound = (runs[0].colour, ACCENT, INK) if alone else (GREY, GREY, GREY)
    roles = [role("converged", colour, "o", 3),
             role("following", pale(colour), "o", 3, "-"),
             role("stability threshold", bound, line="--")]
    if lost:
        roles.append(role(f"lost ({lost} step{'s' if lost > 1 else ''})", accent, "|", 6))
    return roles


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


# ---- Figures -----------------------------------------------------------------------------------


def stack(heights, gaps, head):
    """Axes below each other; in inches, so that panels stay in place whatever their labels are."""
    total = head + sum(heights) + sum(gaps) + FOOT
    figure, axes, top = pyplot.figure(figsize=(WIDTH, total)), [], total - head
    for height, gap in zip(heights, [*gaps, 0]):
        box = LEFT / WIDTH, (top - height) / total, 1 - (LEFT + RIGHT) / WIDTH, height / total
        axes.append(figure.add_axes(box, sharex=axes[0] if axes else None))
        top -= height + gap
    return figure, axes


def write_title(figure, title):
    figure.text(LEFT / WIDTH, 1 - 0.1 / figure.get_figheight(), plain(title), va="top",
                fontsize=10.5, fontweight="bold")


def give_names(runs):
    names = [run.folder.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.folder) for run in runs]
    colours = COLOURS
    if len(runs) > len(COLOURS):
        colours = pyplot.get_cmap("viridis")(np.linspace(0, 0.85, len(runs)))
    for run, name, colour in zip(runs, names, colours):
        run.label, run.colour = name, to_rgb(colour)


def title_of(run):
    model = run.config.get("model", {})
    shape = (f"{key} {model[key]}" for key in ("depth", "width") if key in model)
    return " · ".join([run.label, *shape])


def panels_of(runs):
    """Which there are: their heights in inches and what draws them."""
    yield 2.3, draw_loss
    if any(run.measured.any() for run in runs):
        yield 2.5, draw_curvature
    if len(finite(*(run.rate for run in runs))):
        yield 0.95, draw_rate
    if any(len(run.grown) for run in runs):
        yield 0.8, draw_depth


def draw_runs(runs, title):
    give_names(runs)
    if len(runs) == 1:
        title = title or title_of(runs[0])
    columns = max(1, 100 // (max(len(run.label) for run in runs) + 8))
    rows = -(-len(runs) // columns) if len(runs) > 1 else 0
    names_top = 0.32 if title else 0.08
    heights, draws = zip(*panels_of(runs))
    gaps = [0.36 if draw is draw_curvature else 0.2 for draw in draws[1:]]
    figure, axes = stack(heights, gaps, names_top + 0.19 * rows + 0.23)
    for panel, draw in zip(axes, draws):
        draw(panel, runs)
        mark_growth(panel, runs)
        panel.tick_params(labelbottom=panel is axes[-1])
    steps = np.concatenate([run.step for run in runs])
    axes[-1].set_xlim(steps.min() - 0.5, steps.max() + 0.5)
    axes[-1].xaxis.set_major_locator(ticker.MaxNLocator(
        8, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
    axes[-1].set_xlabel("step")
    figure.align_ylabels(axes)
    write_title(figure, title or "")
    if rows:
        handles = [role(plain(run.label), run.colour, line="-", width=2) for run in runs]
        figure.legend(handles=handles, loc="upper left", ncol=columns,
                      bbox_to_anchor=(LEFT / WIDTH - 0.004, 1 - names_top / figure.get_figheight()))
    return figure


def draw_spectrum(path, title):
    grid, density, error, ends = read_spectrum(path)
    figure, (axes,) = stack([2.9], [], 0.55)
    floor, blue = floor_of(density), COLOURS[0]
    axes.fill_between(grid, np.maximum(density - error, floor / 10), density + error,
                      color=pale(blue, 0.25), linewidth=0)
    axes.plot(grid, np.maximum(density, floor / 10), color=blue, linewidth=1.4)
    roles = [role("density ± standard error", blue, line="-", width=1.4)]
    for (key, values), colour in zip(ends.items(), (ACCENT, GREEN)):
        draw_ticks(axes, values, 0.04, colour, 11)
        roles.append(role(f"{key} eigenvalues", colour, "|", 8))
    axes.set_yscale("log")
    axes.set_ylim(floor, 3 * np.nanmax(density))
    axes.margins(x=0.01)
    axes.axvline(0, color=GREY, linewidth=0.9, linestyle=":", zorder=0.5)
    axes.set_xlabel("eigenvalue")
    axes.set_ylabel("density")
    legend_above(axes, roles)
    write_title(figure, title or f"{path.resolve().parent.name} · spectral density")
    return figure


def floor_of(density):
    """Below the lowest bump, which may be a single eigenvalue among millions; between bumps the
    estimate falls to nothing."""
    inner, peak = density[1:-1], np.nanmax(density)
    bumps = inner[(inner > density[:-2]) & (inner >= density[2:]) & (inner > 1e-10 * peak)]
    return 0.1 * min([peak, *bumps])


# ---- The command -------------------------------------------------------------------------------


def save(figure, base):
    """Writes base.png and base.svg, and says so."""
    if base.suffix in (".png", ".svg"):
        base = base.with_suffix("")
    for suffix, metadata in ((".png", {}), (".svg", {"Date": None})):
        target = Path(f"{base}{suffix}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(target, dpi=150, metadata=metadata)
        except OSError as fault:
            raise PlotError(f"{target}: can't be written ({fault.strerror}); choose another place "
                            "with --output") from None
        print(target)


def options(words):
    parser = argparse.ArgumentParser(prog="kyrtos plot", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN",
                        help="a run's directory, or its run.h5 or metrics.jsonl")
    parser.add_argument("--spectrum", metavar="FILE", help="draw a spectral density instead")
    parser.add_argument("--output", metavar="PATH",
                        help="where to, without .png and .svg; default: plot in the run's "
                        "directory, kyrtos-plot here for several runs, the file's own name for a "
                        "spectral density")
    parser.add_argument("--title", metavar="TEXT", help="the line above the picture")
    chosen = parser.parse_args(words)
    if bool(chosen.runs) == bool(chosen.spectrum):
        parser.error("name either runs or, with --spectrum, the file of a spectral density")
    return chosen


def main(words):
    chosen = options(words)
    with pyplot.rc_context(STYLE):
        if chosen.spectrum:
            figure = draw_spectrum(Path(chosen.spectrum), chosen.title)
            base = Path(chosen.spectrum).with_suffix("")
        else:
            runs = [read_run(name) for name in chosen.runs]
            figure = draw_runs(runs, chosen.title)
            base = runs[0].folder / "plot" if len(runs) == 1 else Path("kyrtos-plot")
        save(figure, Path(chosen.output or base))
