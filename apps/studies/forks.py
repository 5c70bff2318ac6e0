#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Does a spike of the loss come because λη is high? Goes back 50 steps before spikes of the study
`spikes`, and continues from there with the rate, ε or β₂ changed: the parameters are the same, λη is
lower. A fork that changes nothing shows that runs repeat, one that changes the weight decay by a
thousandth what chance does.

    kyrtos study apps/studies/spikes.toml --size full --text tiny.txt
    python3 apps/studies/forks.py runs/spikes-full --program build/release/apps/kyrtos

Writes report.md with a figure and forks.json; when repeated it goes on where it was."""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kyrtos"))

import numpy as np

from study import collect, numbers, plan
from study.report import Answer, Page, colours

BEFORE, AFTER = 50, 50  # steps from the fork to the spike, and from there to the end
SETTLE = 10  # steps after the fork that λη is given to change
FIRST = 50  # as in the study of spikes
MEASURED = {"curvature.every": 2, "curvature.max_hvps": 1, "curvature.along_update": "false"}
FORKS = {"nothing": {}, "weight decay + 0.1 %": {"optimizer.weight_decay": 0.1001},
         "rate halved": {"schedule.peak": 5e-4}, "ε = 1e-4": {"optimizer.epsilon": 1e-4},
         "β₂ lowered": {"optimizer.beta2": {0.9: 0.5, 0.99: 0.9, 0.999: 0.9}}}
PLACEBO, CHANGES = "weight decay + 0.1 %", ("rate halved", "ε = 1e-4", "β₂ lowered")
LEAST = 6  # spikes, without which nothing is said


def bar(lowest):
    """The loss that is a spike, as numbers.recovered_spikes() has it."""
    return 10 * lowest if lowest < 0.05 else lowest + 0.5


def first_spike(loss, lowest):
    """Steps from the beginning of `loss` to a spike; None where there is none."""
    for i, value in enumerate(loss):
        if not value <= bar(lowest):
            return i
        lowest = min(lowest, value)
    return None


def spikes_of(loss, most, last):
    """The first `most` spikes up to step `last` that have a calm way before them, as indices."""
    found, last_end = [], 0
    for start, end in numbers.recovered_spikes(loss):
        if start - BEFORE >= max(FIRST, last_end):
            found.append(start)
        last_end = end
    return [start for start in found if start < last][:most]


class Forks:
    def __init__(self, program, folder, case):
        self.program, self.case = program, case
        self.folder = folder / case.name
        self.loss = collect.read_steps(case / "run/metrics.jsonl")["loss"]
        config = plan.flat(tomllib.loads((case / "case.toml").read_text(encoding="utf-8")))
        self.beta2 = config["optimizer.beta2"]

    def train(self, run, steps, changes, *words):
        settings = {"output.directory": str(run), "training.steps": steps} | changes
        settings = [f"--set={key}={value}" for key, value in settings.items()]
        done = subprocess.run([self.program, "train", self.case / "case.toml", *settings,
                               "--resume", *words], capture_output=True, text=True)
        if done.returncode not in (0, 3):  # 3: not finite, which is a result
            raise SystemExit(f"{run}: {done.stdout[-1000:]}{done.stderr[-1000:]}")

    def at(self, spike):
        """What each fork did: its λη/threshold, and after how many steps its loss spiked."""
        kept = self.folder / f"{spike}.json"
        if kept.exists():
            return json.loads(kept.read_text(encoding="utf-8"))
        start, state = spike - BEFORE, self.folder / "state"
        self.train(state, start, {"curvature.enabled": "false"})
        found = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, changes in FORKS.items():
            changes = {key: value[self.beta2] if isinstance(value, dict) else value
                       for key, value in changes.items()}
            run = self.folder / "fork"
            shutil.rmtree(run, ignore_errors=True)
            shutil.copytree(state, run)
            self.train(run, spike + AFTER, changes | MEASURED,
                       "--allow-change", "optimizer", "--allow-change", "schedule",
                       "--allow-change", "curvature")
            columns = collect.read_steps(run / "metrics.jsonl")
            loss, ratio = columns["loss"][start:], columns["threshold_ratio"][start:]
            found[name] = {"ratio": ratio.tolist(), "loss": loss.tolist(),
                           "spike": first_spike(loss, self.loss[:start].min()),
                           "repeats": bool(np.array_equal(loss[:BEFORE + 1],
                                                          self.loss[start:spike + 1]))}
        kept.write_text(json.dumps(found), encoding="utf-8")
        print(f"{self.case.name}, spike at {spike + 1}: " + ", ".join(
            f"{name}: {one['spike']}" for name, one in found.items()), flush=True)
        return found


def level(fork):
    """The median λη/threshold from SETTLE steps after the fork to the spike."""
    end = BEFORE if fork["spike"] is None else min(BEFORE, fork["spike"])
    ratio = np.array(fork["ratio"][SETTLE:end], float)
    ratio = ratio[np.isfinite(ratio)]
    return float(np.median(ratio)) if len(ratio) else math.nan


class Outcome:
    """One kind of fork over all spikes; `runs` holds a list of spikes a run."""

    def __init__(self, name, runs):
        pick = lambda value: [np.array([value(s) for s in run], float) for run in runs]
        self.came = pick(lambda s: s[name]["spike"] is not None)
        self.chance = pick(lambda s: s[PLACEBO]["spike"] is not None)
        self.level = pick(lambda s: level(s[name]))
        self.relative = pick(lambda s: level(s[name]) / level(s[PLACEBO]))

    def over_runs(self, statistic, *lists):
        return numbers.bootstrap(lambda runs: statistic(
            *(np.concatenate([values[r] for r in runs]) for values in lists)), len(self.came))

    def fall(self):
        return self.over_runs(np.nanmedian, self.relative)

    def levels(self):
        return self.over_runs(np.nanmedian, self.level)

    def removed(self):
        return self.over_runs(lambda a, b: float(a.mean() - b.mean()), self.chance, self.came)

    def share(self):
        came = np.concatenate(self.came)
        return numbers.share(int(came.sum()), len(came))


def verdict(outcomes, spikes):
    """Fixed before the runs: a change counts where the interval of its λη over that of chance lies
    below 1. Yes: every such change leaves at most a third of the spikes, and the interval of what it
    removes beyond chance is above 0. No: one of them removes none for sure."""
    lowered = [o for name, o in outcomes.items() if name in CHANGES and o.fall()[2] < 1]
    if spikes < LEAST or not lowered:
        return "cannot be said"
    if all(o.share()[0] <= 1 / 3 and o.removed()[1] > 0 for o in lowered):
        return "yes"
    return "no" if any(o.removed()[1] <= 0 for o in lowered) else "in part"


def draw(axes, runs):
    shades = colours(FORKS)
    for name in FORKS:
        if name == "nothing":
            continue
        for panel, key in zip(axes, ("loss", "ratio")):
            rows = [np.array(spike[name][key][:BEFORE + AFTER], float) for run in runs
                    for spike in run]
            rows = np.array([np.pad(r, (0, BEFORE + AFTER - len(r)), constant_values=np.nan)
                             for r in rows])
            known = np.isfinite(rows).any(axis=0)
            panel.semilogy(np.arange(-BEFORE, AFTER)[known], np.nanmedian(rows[:, known], axis=0),
                           label=name, color=shades[name], linewidth=1.2)
    for panel in axes:
        panel.axvline(0, color="#8C8C8C", linewidth=0.8)
    axes[0].set(ylabel="loss, median")
    axes[0].legend(fontsize=6.5)
    axes[1].axhline(1, color="#8C8C8C", linestyle="--", linewidth=0.8)
    axes[1].set(ylabel="λη/threshold, median", xlabel="steps from the spike that was")


def report(folder, runs, repeats, how):
    page, spikes = Page(SimpleNamespace(folder=folder)), sum(map(len, runs))
    outcomes = {name: Outcome(name, runs) for name in FORKS}
    page.text(f"A fork begins {BEFORE} steps before a spike and ends {AFTER} steps after it; a spike "
              "comes where its loss passes the bar of the study `spikes`. λη/threshold is the median "
              f"from {SETTLE} steps after the fork to the spike; what it is over that of the fork "
              "by chance, in pairs. Intervals are 95 %: of shares exact, of the rest by drawing runs "
              "again. β₂ goes from 0.99 and 0.999 to 0.9, and from 0.9 to 0.5.")
    page.table(["change", "spikes came", "share", "λη/threshold", "over that of chance",
                "removed beyond chance"],
               [[name, f"{int(sum(x.sum() for x in o.came))} of {spikes}",
                 numbers.interval(o.share()), numbers.interval(o.levels()),
                 numbers.interval(o.fall()), numbers.interval(o.removed())]
                for name, o in outcomes.items()])
    page.text("Each spike: λη/threshold over that of chance, and the step after the fork at which a spike "
              f"came; the one that was came at {BEFORE}.")
    page.table(["spike", *CHANGES], [
        [i + 1, *(f"{level(spike[name]) / level(spike[PLACEBO]):.2f}, "
                  + ("none" if spike[name]["spike"] is None else f"at {spike[name]['spike']}")
                  for name in CHANGES)]
        for i, spike in enumerate(spike for run in runs for spike in run)])
    page.figure("forks", "Medians over all forks, by what was changed",
                lambda axes: draw(axes, runs), rows=2)
    agrees = verdict(outcomes, spikes)
    came = lambda name: f"{outcomes[name].share()[0]:.0%} ({name})"
    page.answer = Answer("spikes that came: " + ", ".join(map(came, FORKS)), agrees,
                         f"{spikes} spikes of {len(runs)} runs")
    head = ["# Forks before spikes",
            "**Claim.** Spikes come because λη is high: with the same parameters and a lower λη they "
            "stay away.", f"**Found.** {page.answer.found}",
            f"**Agrees at this scale:** {agrees}.", f"**How sure:** {page.answer.sure}"]
    tail = ["## How it was done", "\n".join(f"- {line}" for line in how),
            "## Mathematics that must hold",
            f"- {'holds' if repeats else '**does not hold**'}: a fork that changes nothing repeats "
            "the run up to its spike, bit by bit"]
    path = folder / "report.md"
    path.write_text("\n\n".join([*head, *page.parts, *tail]) + "\n", encoding="utf-8")
    print(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--program", required=True)
    parser.add_argument("--output", type=Path, default=Path("runs/forks"))
    parser.add_argument("--spikes", type=int, default=3, help="of a run, at most")
    parser.add_argument("--last", type=int, default=1 << 30, help="the last step of a spike")
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    runs, names, repeats = [], [], True
    for case in sorted((chosen.study / "runs").glob("batch,*")):
        if not (case / "status.json").exists():
            continue
        forks = Forks(chosen.program, chosen.output, case)
        found = [forks.at(spike) for spike in spikes_of(forks.loss, chosen.spikes, chosen.last)]
        repeats = repeats and all(one["nothing"]["repeats"] for one in found)
        if found:
            runs.append(found)
            names.append(f"{case.name.removeprefix('batch,')} ({len(found)})")
    if not runs:
        sys.exit(f"{chosen.study}: no run has a spike with {BEFORE} calm steps before it")
    report(chosen.output, runs, repeats, [
        f"spikes: the first {chosen.spikes} of a run that have {BEFORE} calm steps before them"
        + (f", up to step {chosen.last}" if chosen.last < 1 << 30 else ""),
        f"runs (spikes): {'; '.join(names)}",
        "every second step is measured, with one product; the verdict looks only at changes that "
        "lowered λη for sure"])
    return 0 if repeats else 1


if __name__ == "__main__":
    sys.exit(main())
