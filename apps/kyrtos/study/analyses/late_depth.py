# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Spikes by when blocks join. What the verdict asks for is fixed here."""

import numpy as np

from ..numbers import bootstrap, interval, recovered_spikes
from ..report import Answer, colours

GATE = 20  # spikes of plain runs, without which nothing is said
NEAR = 1.1  # a factor: so near the plain loss at the end is as good


class Method:
    """Counts and last losses of a method's runs, seed by seed."""

    def __init__(self, cases):
        self.cases = cases
        self.counts = np.array([len(recovered_spikes(c["loss"])) for c in cases], float)
        # Once all blocks take part: spikes before would be those of a smaller model.
        self.late = np.array([sum(c["active_depth"][first] == c["active_depth"][-1]
                                  for first, _ in recovered_spikes(c["loss"])) for c in cases], float)
        self.full = np.array([np.mean(c["active_depth"] == c["active_depth"][-1]) * c.steps
                              for c in cases])
        self.ends = np.array([np.median(c["loss"][-100:]) for c in cases])

    def rate(self):
        """Spikes in 1,000 steps."""
        steps = np.array([c.steps for c in self.cases])
        return bootstrap(lambda r: 1000 * self.counts[r].sum() / steps[r].sum(), len(self.cases))

    def late_rate(self):
        return bootstrap(lambda r: 1000 * self.late[r].sum() / self.full[r].sum(), len(self.cases))


def difference(plain, grown):
    """Spikes a run that growth spares, over seeds in pairs."""
    of = {str(case.point): count for case, count in zip(grown.cases, grown.counts)}
    spared = np.array([count - of[str(case.point)] for case, count in zip(plain.cases, plain.counts)
                       if str(case.point) in of])
    return bootstrap(lambda r: float(spared[r].mean()), len(spared))


def analyse(study, results, page):
    of = {name: Method(results.of(name)) for name in results.methods if results.of(name)}
    page.text("A spike is that of the study `spikes`. Intervals are 95 %, by drawing runs (seeds) "
              "again. At full depth: spikes since the last blocks joined, by the steps since then. "
              "Loss at the end: the median of the last 100 steps.")
    page.table(["method", "runs", "spikes", "in 1,000 steps", "in 1,000 steps at full depth",
                "fewer spikes a run than plain", "loss at the end"],
               [[name, len(m.cases), int(m.counts.sum()), interval(m.rate()),
                 interval(m.late_rate()),
                 interval(difference(of["plain"], m)) if name != "plain" else "–",
                 f"{m.ends.min():.4f} to {m.ends.max():.4f}"] for name, m in of.items()])
    page.figure("losses", "Training losses, first seed", lambda axes: draw(axes, of),
                rows=len(of), height=1.3)
    page.check("depth never shrinks", all((np.diff(c["active_depth"]) >= 0).all() for c in results))
    answer(page, of)


def answer(page, of):
    grown = {name: m for name, m in of.items() if name.startswith("grown")}
    plain, total = of["plain"], int(of["plain"].counts.sum())
    spared = {name: difference(plain, m) for name, m in grown.items()}
    good = [name for name, m in grown.items()
            if spared[name][1] > 0 and np.median(m.ends) <= NEAR * np.median(plain.ends)]
    better_than_half = [name for name in good if "half" in of
                        and difference(of["half"], grown[name])[1] > 0]
    if total < GATE:
        agrees = "cannot be said"
    elif good:
        agrees = "yes" if better_than_half else "in part"
    else:
        agrees = "no" if all(low <= 0 for _, low, _ in spared.values()) else "in part"
    page.answer = Answer(
        f"{total} spikes in {len(plain.cases)} plain runs; fewer a run: "
        + ", ".join(f"{name} {interval(s)}" for name, s in spared.items()), agrees,
        f"{GATE} spikes of plain runs were asked for. Yes: an interval of growth above 0, above "
        "half depth's too, at the plain loss; in part: not more than half depth spares; no: every "
        "interval holds 0 or less")


def draw(axes, of):
    shades = colours(of)
    for panel, (name, method) in zip(np.atleast_1d(axes), of.items()):
        case = method.cases[0]
        panel.semilogy(case["step"], case["loss"], color=shades[name], linewidth=0.7, label=name)
        for i in np.flatnonzero(np.diff(case["active_depth"]) > 0):
            panel.axvline(case["step"][i + 1], color="#8C8C8C", linestyle=":", linewidth=0.8)
        panel.legend(fontsize=6.5, loc="upper right")
        panel.set(ylabel="loss")
    np.atleast_1d(axes)[-1].set(xlabel="step")
