# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Architecture warm-up itself: what its choices matter."""

import numpy as np

from ..numbers import diverged, final_loss, loss_spikes, mean, pm, with_error
from ..report import Answer, colours


def jump(case):
    """Largest λ within 10 steps after a growth over the median of the 10 before; the worst one."""
    grown = np.flatnonzero(np.diff(case["active_depth"]) > 0) + 1
    found = []
    for i in grown:
        before, after = case["lambda"][max(0, i - 10):i], case["lambda"][i:i + 10]
        if np.isfinite(before).any() and np.isfinite(after).any():
            found.append(np.nanmax(after) / np.nanmedian(before))
    return max(found, default=np.nan)


def loss_step(case):
    """Largest rise of the training loss from one step to the next where depth grows."""
    grown = np.flatnonzero(np.diff(case["active_depth"]) > 0) + 1
    return max((case["loss"][i] - case["loss"][i - 1] for i in grown), default=np.nan)


def factors(study, results):
    """Methods by what they vary: the part of their name before the first dash."""
    found = {}
    for method in results.methods:
        found.setdefault(method.split("-")[0], []).append(method)
    return found


def analyse(study, results, page):
    standard = study.options.get("standard", results.methods[0])
    without = study.options.get("without", "never")
    losses = {m: [final_loss(c) for c in results.of(m)] for m in results.methods}
    for factor, methods in factors(study, results).items():
        page.heading(factor.capitalize())
        rows = []
        for method in methods:
            cases = results.of(method)
            rows.append([method, with_error(losses[method]), sum(len(loss_spikes(c)) for c in cases),
                         sum(map(diverged, cases)),
                         with_error([np.nanmax(c["threshold_ratio"][20:]) for c in cases], 2),
                         with_error([jump(c) for c in cases], 1),
                         with_error([loss_step(c) for c in cases], 3),
                         f"{mean([c['active_depth'].mean() for c in cases])[0]:.1f}"])
        page.table(["method", "final loss", "spikes", "diverged", "largest λη/threshold later",
                    "λ after growth over before", "rise of the loss at growth", "mean depth"], rows)
    page.text("λη later: from step 21 on, as Adam's second moment is of few gradients before.")
    draw_events(study, results, page)
    checks(results, page)
    best = min(losses, key=lambda m: np.mean(losses[m]))
    names = [m for m in results.methods if m not in (standard, without)]
    a, e, n = mean(losses[standard])
    b, f, _ = mean(losses.get(without, []))
    spread = [np.mean(losses[m]) for m in names if np.isfinite(np.mean(losses[m]))] or [a]
    spacing = [np.mean(losses[m]) for m in results.methods if m.startswith("spacing")]
    words = (f"; over all spacings the mean loss varies by {max(spacing) - min(spacing):.3f}"
             if len(spacing) > 1 else "")
    error = np.hypot(np.nan_to_num(e), np.nan_to_num(f))
    agrees = "cannot be said" if not np.isfinite(b) else (
        "yes" if a <= b + error else "in part" if a <= b + 3 * error else "no")
    page.answer = Answer(
        f"{standard} ends at {pm(a, e)}, without growth {pm(b, f)}; the best choice is "
        f"{best} ({np.mean(losses[best]):.3f}), the variants span {min(spread):.3f} to "
        f"{max(spread):.3f}{words}", agrees,
        f"{n} seeds; one factor at a time around {standard}")


def draw_events(study, results, page):
    shown = study.options.get("shown", results.methods[:4])
    shown = [m for m in shown if m in results.methods]
    shades = colours(shown)

    def draw(axes):
        for method in shown:
            case = results.of(method)[0]
            axes[0].semilogy(case["step"], case["lambda"], color=shades[method], linewidth=0.9,
                             label=method)
            axes[1].plot(case["step"], case["loss"], color=shades[method], linewidth=0.8)
            for i in np.flatnonzero(np.diff(case["active_depth"]) > 0):
                for panel in axes:
                    panel.axvline(case["step"][i + 1], color=shades[method], linestyle=":",
                                  linewidth=0.8)
        first = results.of(shown[0])[0]
        beta = first.config.get("optimizer.beta1", 0.9)
        axes[0].semilogy(first["step"], (2 + 2 * beta) / (1 - beta) / first["learning_rate"],
                         color="#444444", linestyle="--", linewidth=0.9, label="threshold")
        axes[0].set(ylabel="λ, preconditioned")
        axes[0].legend(fontsize=6.5)
        axes[1].set(xlabel="step", ylabel="training loss")

    page.figure("growth", "λ with the moments of growth (dotted), first seed", draw, rows=2,
                height=2.6)


def checks(results, page):
    exact = [c for c in results if c.config.get("growth.entry") in ("projections", "gate")
             and c.config.get("growth.when", "never") != "never"]
    if exact:
        page.check("where a block enters as exactly the identity, the loss does not leap",
                   all(not loss_step(c) > 0.5 for c in exact if not diverged(c)))
    known = [c for c in results if c.config.get("growth.when", "never") in ("steps", "warmup")]
    page.check("growth by steps reaches the full depth", all(
        c["active_depth"][-1] == c.config["model.depth"] for c in known if not c.not_finite))
    dead = [(c, twin) for c in results if c.config.get("growth.seed_scale") == 0.0
            for twin in never_growing_twins(c, results)]
    if dead:
        page.check("blocks of zeros without a seed change nothing: the loss is that of a run that "
                   "never grows", all(np.array_equal(c["loss"], twin["loss"]) for c, twin in dead))


def never_growing_twins(case, results):
    """Runs that keep this one's first blocks for ever."""
    same = ("growth.initial_depth", "schedule.warmup_steps")
    return [c for c in results if c.config.get("growth.when", "never") == "never"
            and c.point == case.point
            and all(c.config.get(key) == case.config.get(key) for key in same)]
