# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws what training runs recorded, or a spectral density, as PNG and SVG; or writes what runs
recorded for TensorBoard."""

import argparse
import os
import sys
from pathlib import Path

try:
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker
    from matplotlib.colors import to_rgb
    from .panels import (ACCENT, COLOURS, GREEN, GREY, INK, draw_curvature, draw_depth, draw_loss,
                         draw_mass, draw_parabola, draw_part_sharpness, draw_rate, draw_ratios, draw_ticks, finite,
                         legend_above, mark_growth, pale, plain, role)
    from .record import PlotError, read_run, read_series, read_spectrum
    from .tensorboard import export
except ImportError as fault:
    sys.exit(f"kyrtos plot: {fault} in {sys.executable}; install what draws the plots, on Debian "
             "with apt install python3-h5py python3-matplotlib, elsewhere with pip install h5py "
             "matplotlib, or name a Python that has it in KYRTOS_PYTHON, such as /usr/bin/python3")

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
WIDTH, LEFT, RIGHT, FOOT = 8.0, 0.82, 0.2, 0.45  # inches


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
    """Which there are: their names, heights in inches and what draws them."""
    yield "loss", 2.3, draw_loss
    if any(run.measured.any() for run in runs):
        yield "sharpness", 2.5, draw_curvature
    if len(finite(*(run.along for run in runs))):
        yield "ratios", 1.5, draw_ratios
        yield "parabola", 1.2, draw_parabola
    for name, draw in (("mass", draw_mass), ("part_lambda", draw_part_sharpness)):
        parts, values = runs[0].by_part[name]
        if len(runs) == 1 and (values > 0).any():
            yield name, min(0.6 + 0.1 * len(parts), 2.5), draw
    if len(finite(*(run.rate for run in runs))):
        yield "rate", 0.95, draw_rate
    if any(len(run.grown) for run in runs):
        yield "depth", 0.8, draw_depth


def chosen_panels(runs, names):
    panels = list(panels_of(runs))
    there = [name for name, _, _ in panels]
    for name in names:
        if name not in there:
            raise PlotError(f"--panels {name}: not in this record; it has {', '.join(there)}")
    return [panel[1:] for panel in panels if not names or panel[0] in names]


def draw_runs(runs, title, names=()):
    give_names(runs)
    if len(runs) == 1:
        title = title or title_of(runs[0])
    columns = max(1, 100 // (max(len(run.label) for run in runs) + 8))
    rows = -(-len(runs) // columns) if len(runs) > 1 else 0
    names_top = 0.32 if title else 0.08
    heights, draws = zip(*chosen_panels(runs, names))
    gaps = [0.2 if draw in (draw_rate, draw_depth) else 0.36 for draw in draws[1:]]
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


def draw_series(path, title):
    """Both ends of the spectrum over the steps: bars are residuals, the band is of single batches."""
    columns, matrix = read_series(path)
    step, roles = columns["step"], []
    figure, (axes,) = stack([2.9], [], 0.55)
    for end, colour in (("largest", COLOURS[0]), ("smallest", GREEN)):
        value = columns[end]
        if np.isfinite(value).any():
            axes.errorbar(step, value, np.abs(value) * columns[f"{end}_residual"], color=colour,
                          marker="o", markersize=3, linewidth=1.4, capsize=2)
            roles.append(role(f"{end} eigenvalue ± residual", colour, line="-", width=1.4))
    mean, error = columns["batch_mean"], columns["batch_standard_error"]
    if np.isfinite(mean).any():
        axes.fill_between(step, mean - error, mean + error, color=pale(ACCENT, 0.35), linewidth=0)
        axes.plot(step, mean, color=ACCENT, linewidth=0.9)
        roles.append(role("mean of single batches ± standard error", ACCENT, line="-"))
    axes.axhline(0, color=GREY, linewidth=0.9, linestyle=":", zorder=0.5)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(
        8, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
    axes.set_xlabel("step")
    axes.set_ylabel("eigenvalue")
    legend_above(axes, roles)
    words = " · ".join(filter(None, (path.resolve().parent.name, matrix.replace("_", " "))))
    write_title(figure, title or words)
    return figure


def floor_of(density):
    """Below the lowest bump, which may be a single eigenvalue among millions; between bumps the
    estimate falls to nothing."""
    inner, peak = density[1:-1], np.nanmax(density)
    bumps = inner[(inner > density[:-2]) & (inner >= density[2:]) & (inner > 1e-10 * peak)]
    return 0.1 * min([peak, *bumps])


# ---- The command -------------------------------------------------------------------------------


WRITER = "kyrtos plot"  # in each picture, which a later one may replace


class Picture:
    """A file to draw to, opened before the work: beside its place, whose name it takes at the end.
    What is no plain file, such as a device, is written to as it is."""

    def __init__(self, target, kind):
        self.kind, self.partial = kind, None
        self.target = Path(os.path.realpath(target)) if target.is_symlink() else target

    def check(self):
        if not self.target.is_file() or self.target.stat().st_size == 0:
            return
        with self.target.open("rb") as file:
            is_own = WRITER.encode() in file.read(8192)
        if not is_own:
            raise PlotError(f"{self.target}: is there already, and no picture that `{WRITER}` drew; "
                            "choose another place with --output, or remove that file")

    def open(self):
        try:
            if self.target.exists() and not self.target.is_file():
                return
            self.target.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(f"{self.target}.partial")
            partial.open("wb").close()
            self.partial = partial
        except OSError as fault:
            self.fail(fault)

    def draw(self, figure):
        metadata = ({"Software": WRITER} if self.kind == "png" else
                    {"Creator": WRITER, "Date": None})
        try:
            figure.savefig(self.partial or self.target, dpi=150, metadata=metadata,
                           format=self.kind)
            if self.partial:
                self.partial.replace(self.target)
        except OSError as fault:
            self.drop()
            self.fail(fault)
        print(self.target)

    def drop(self):
        if self.partial:
            self.partial.unlink(missing_ok=True)

    def fail(self, fault):
        raise PlotError(f"{self.target}: can't be written ({fault.strerror}); choose another place "
                        "with --output") from None


def pictures(base):
    """base.png and base.svg; base itself where that is a device."""
    if base.exists() and not base.is_file() and not base.is_dir():
        return [Picture(base, "png")]
    if base.suffix in (".png", ".svg"):
        base = base.with_suffix("")
    return [Picture(Path(f"{base}.{kind}"), kind) for kind in ("png", "svg")]


def save(draw, base):
    """Draws into base.png and base.svg, and says so."""
    files = pictures(base)
    try:
        for file in files:
            file.check()
        for file in files:
            file.open()
        figure = draw()
        for file in files:
            file.draw(figure)
    finally:
        for file in files:
            file.drop()


def options(words):
    parser = argparse.ArgumentParser(prog="kyrtos plot", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN",
                        help="a run's directory, or its run.h5 or metrics.jsonl")
    parser.add_argument("--spectrum", metavar="FILE", help="draw a spectral density instead")
    parser.add_argument("--series", metavar="FILE", help="draw a series of checkpoints instead")
    parser.add_argument("--output", metavar="PATH",
                        help="where to, without .png and .svg; default: plot in the run's "
                        "directory, kyrtos-plot here for several runs, the file's own name for a "
                        "spectral density or a series")
    parser.add_argument("--panels", metavar="NAMES", default="",
                        help="which, with commas: loss, sharpness, ratios, parabola, mass, "
                        "part_lambda, rate, depth; default: all that the record has")
    parser.add_argument("--title", metavar="TEXT", help="the line above the picture")
    parser.add_argument("--tensorboard", metavar="FOLDER",
                        help="write the runs' numbers as scalars for TensorBoard instead, a folder "
                        "in this one for each run")
    chosen = parser.parse_args(words)
    if sum(map(bool, (chosen.runs, chosen.spectrum, chosen.series))) != 1:
        parser.error("name either runs or the file of --spectrum or --series")
    if chosen.tensorboard and (not chosen.runs or chosen.output or chosen.panels or chosen.title):
        parser.error("--tensorboard takes runs, and draws no picture: leave out the other options")
    return chosen


def main(words):
    chosen = options(words)
    if chosen.tensorboard:
        return export(chosen.runs, chosen.tensorboard)
    with pyplot.rc_context(STYLE):
        if chosen.spectrum or chosen.series:
            path = Path(chosen.spectrum or chosen.series)
            base = path.with_suffix("")

            def draw():
                return (draw_spectrum if chosen.spectrum else draw_series)(path, chosen.title)
        else:
            runs = [read_run(name) for name in chosen.runs]
            base = runs[0].folder / "plot" if len(runs) == 1 else Path("kyrtos-plot")
            panels = [name for name in chosen.panels.split(",") if name]

            def draw():
                return draw_runs(runs, chosen.title, panels)
        save(draw, Path(chosen.output or base))
