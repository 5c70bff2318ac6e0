# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes report.md: the answer first, then figures, tables and how it was done."""

import importlib
from dataclasses import dataclass, field

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from plot.draw import COLOURS, STYLE

from .outputs import MARK
from .plan import StudyError
from .run import duration

AGREEMENT = ("yes", "in part", "no", "cannot be said")


@dataclass
class Answer:
    """What a study says about a claim."""

    found: str  # with a figure in it
    agrees: str  # one of AGREEMENT
    sure: str  # how sure that is, and why


@dataclass
class Page:
    """Collects what an analysis has to show. `checks` are statements of mathematics: where one does
    not hold, something is wrong with the program or the measurement, not with a claim."""

    study: object
    answer: Answer = None
    parts: list = field(default_factory=list)
    checks: list = field(default_factory=list)

    def text(self, words):
        self.parts.append(words)

    def heading(self, words):
        self.parts.append(f"## {words}")

    def table(self, head, rows):
        lines = [" | ".join(map(str, row)) for row in [head, ["---"] * len(head), *rows]]
        self.parts.append("\n".join(f"| {line} |" for line in lines))

    def check(self, statement, holds, detail=""):
        self.checks.append((statement, bool(holds), detail))

    def figure(self, name, caption, draw, rows=1, columns=1, height=2.6):
        """draw(axes) with one axes, or with a list of them."""
        with pyplot.rc_context(STYLE):
            figure, axes = pyplot.subplots(rows, columns, figsize=(8, height * rows),
                                           squeeze=False, layout="constrained")
            draw(axes[0][0] if rows * columns == 1 else list(axes.flat))
            figure.savefig(self.study.folder / f"{name}.png", dpi=130)
            pyplot.close(figure)
        self.parts.append(f"![{caption}]({name}.png)\n\n*{caption}*")


def colours(names):
    """One a name, the same for every figure of a page."""
    names = list(names)
    if len(names) <= len(COLOURS):
        return dict(zip(names, COLOURS))
    map_ = matplotlib.colormaps["turbo"]
    return {name: map_(0.05 + 0.9 * i / (len(names) - 1)) for i, name in enumerate(names)}


def conditions(study, results):
    facts, cases = results.facts, list(results)
    total = sum(case.seconds for case in cases)
    diverged = [case.name for case in cases if case.not_finite]
    lines = [
        f"- command: `{facts['command']}`",
        f"- program: {facts['program']}, commit {facts['commit']}",
        f"- machine: {facts['machine']}; {len(cases)} runs, {duration(total)} of computing in all",
        f"- axes: {'; '.join(f'{key} = {values}' for key, values in study.axes.items()) or 'none'}",
        f"- methods: {', '.join(study.methods)}"]
    if study.tuned:
        lines.append(f"- tuned: {study.tuned}")
    if diverged:
        lines.append(f"- not finite, and counted as such: {len(diverged)} runs")
    if results.failed:
        names = ", ".join(f"{case.name} (exit code {case.exit})" for case in results.failed)
        lines.append(f"- **failed, and left out: {names}**")
    return "\n".join(lines)


def write(study, results):
    """The exit code: 1 when a run failed or a check does not hold."""
    try:
        module = importlib.import_module(f"study.analyses.{study.analysis}")
    except ModuleNotFoundError as fault:
        raise StudyError(f"{study.file}: analysis = '{study.analysis}': {fault}") from None
    page = Page(study)
    for case in results.failed:  # first, as the analysis may miss them
        print(f"failed: {case.name}; see {study.folder}/runs/{case.name}/log.txt", flush=True)
    cases = [case for case in results if case not in results.failed]
    if not cases:
        raise StudyError(f"{study.folder}: no run has ended well; look at runs/*/log.txt")
    module.analyse(study, type(results)(results.facts, cases), page)
    answer = page.answer or Answer("curves and tables below", "cannot be said", "nothing was asked")
    assert answer.agrees in AGREEMENT
    size = "" if study.size == "full" else f" (size: {study.size})"
    head = [f"# {study.title}{size}", f"**Claim.** {study.claim.strip()}",
            f"**Found.** {answer.found}", f"**Agrees at this scale:** {answer.agrees}.",
            f"**How sure:** {answer.sure}"]
    tail = ["## How it was done", conditions(study, results)]
    if page.checks:
        tail += ["## Mathematics that must hold", "\n".join(
            f"- {'holds' if holds else '**does not hold**'}: {what}"
            f"{' (' + detail + ')' if detail else ''}" for what, holds, detail in page.checks)]
    tail.append(f"Everything above {MARK}; `kyrtos study` with the plan runs it again.")
    path = study.folder / "report.md"
    path.write_text("\n\n".join([*head, *page.parts, *tail]) + "\n", encoding="utf-8")
    print(path)
    broken = [what for what, holds, _ in page.checks if not holds]
    for what in broken:
        print(f"does not hold: {what}")
    return 1 if broken or results.failed else 0
