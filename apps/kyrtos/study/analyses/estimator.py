# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How well cheap estimators follow the largest eigenvalue, and why warm starts work."""

import numpy as np

from ..numbers import mean, quantiles
from ..report import Answer, colours

NAMES = {"warm1": "warm, 1 HVP", "warm2": "warm, 2 HVPs", "warm5": "warm, 5 HVPs",
         "adaptive": "warm, 1 to 5", "cold5": "cold, 5 HVPs", "cold20": "cold, 20 HVPs",
         "critical": "critical sharpness"}
REFERENCE = "warm1"  # its runs have lambda_reference


def errors_of(results, method, matrix, first_step):
    """|λ/λ_ref - 1| at all steps that have a reference, and the signed ones."""
    signed = []
    for case in results.of(method, matrix=matrix):
        seed = case.point.get("training.seed")
        twin = next((c for c in results.of(REFERENCE, matrix=matrix)
                     if c.point.get("training.seed") == seed), None)
        if twin is None:
            continue
        n = min(case.steps, twin.steps)
        reference, step = twin["lambda_reference"][:n], twin["step"][:n]
        value = case["lambda"][:n]
        there = np.isfinite(reference) & (reference > 0) & (step > first_step)
        # An estimate that was lost counts as wrong by all.
        signed.append(np.where(np.isfinite(value), value / reference - 1, -1.0)[there])
    return np.concatenate(signed) if signed else np.array([])


def same_training(results):
    """Whether measuring differently leaves the losses alone, to the last bit."""
    for case in results:
        for other in results.of(matrix=case.point.get("curvature.matrix")):
            n = min(case.steps, other.steps)
            same_seed = case.point.get("training.seed") == other.point.get("training.seed")
            if same_seed and not np.array_equal(case["loss"][:n], other["loss"][:n]):
                return False
    return True


def accuracy(results, page, first_step):
    medians = {}
    matrices = results.values("matrix")
    shades = colours(NAMES)
    for matrix in matrices:
        rows = []
        for method in [name for name in NAMES if name in results.methods]:
            signed = errors_of(results, method, matrix, first_step)
            cases = results.of(method, matrix=matrix)
            if len(signed) == 0:
                continue
            q = quantiles(np.abs(signed))
            medians[method, matrix] = q[1]
            hvps = mean(np.concatenate([case["hvps"][1:] for case in cases]))[0]
            seconds = mean([np.median(case["seconds"]) for case in cases])[0]
            rows.append([NAMES[method], f"{hvps:.1f}", f"{1e3 * seconds:.1f}",
                         *(f"{100 * x:.2f} %" for x in q), f"{100 * np.median(signed):+.2f} %",
                         len(signed)])
        page.text(f"Errors of λ of the {matrix} matrix:")
        page.table(["estimator", "HVPs a step", "ms a step", "25th percentile", "median error",
                    "75th", "90th", "median, signed", "measured"], rows)

    def draw(axes):
        axes = axes if isinstance(axes, list) else [axes]
        for panel, matrix in zip(axes, matrices):
            for method in NAMES:
                e = np.sort(np.abs(errors_of(results, method, matrix, first_step)))
                if len(e):
                    panel.plot(np.maximum(e, 1e-6), (np.arange(len(e)) + 0.5) / len(e),
                               color=shades[method], label=NAMES[method], linewidth=1.3)
            panel.set(xscale="log", xlabel="relative error of λ", ylabel="share of steps",
                      title=matrix)
        axes[-1].legend(loc="upper left", fontsize=7)

    page.figure("errors", "Distribution of the errors against converged Lanczos", draw,
                columns=len(matrices), height=3)
    return medians


def turning(results, page):
    """Theorems 1 and 2: bounds on the angle, and the iterations that a warm start saves."""
    found = [f for case in results for _, f in case.found("turn") if f["converged"]]
    if not found:
        page.text("No step had its eigenvectors converged for Theorems 1 and 2.")
        return None
    angle = np.array([f["angle"] for f in found])
    bound = np.array([f.get("bound", np.inf) for f in found])
    page.check("the sine of the angle between successive leading eigenvectors is at most "
               "|B - A|/gap (Davis and Kahan)", np.all(np.sin(angle) <= 1.01 * bound + 1e-3),
               f"{len(found)} steps")
    warm = np.array([f["warm_iterations"] for f in found], float)
    cold = np.array([f["cold_iterations"] for f in found], float)
    by_angle = np.array([f.get("saved_by_angle", np.nan) for f in found])
    by_bound = np.array([f.get("saved_by_bound", np.nan) for f in found])
    page.heading("Why warm starts work")
    rows = []
    for name, values in (("angle of successive eigenvectors, rad", angle),
                         ("Theorem 1's bound on its sine", bound),
                         ("λ₂/λ₁ in magnitude", np.array([f["ratio"] for f in found])),
                         ("iterations, warm", warm), ("iterations, cold", cold),
                         ("saved, counted", cold - warm), ("saved, from the angle", by_angle),
                         ("saved, from Theorem 1's bound", by_bound)):
        finite = values[np.isfinite(values)]
        rows.append([name, *(f"{x:.3g}" for x in quantiles(finite, (0.1, 0.5, 0.9))),
                     f"{len(finite)}/{len(values)}"])
    page.table(["", "10th percentile", "median", "90th percentile", "finite"], rows)
    page.text(f"Iterations are those of the power method until the sine of its angle to the new "
              f"eigenvector is {found[0]['alignment']:g}. The bound is vacuous where it exceeds 1: "
              f"at {np.mean(bound > 1):.0%} of the steps.")

    def draw(axes):
        axes[0].loglog(np.maximum(np.minimum(bound, 1e3), 1e-6), np.sin(angle), "o", markersize=3)
        axes[0].plot([1e-4, 1], [1e-4, 1], color="#8C8C8C", linewidth=0.8)
        axes[0].set(xlabel="Theorem 1's bound", ylabel="sine of the angle")
        axes[1].plot(by_angle, cold - warm, "o", markersize=3)
        axes[1].axline((0, 0), slope=1, color="#8C8C8C", linewidth=0.8)
        axes[1].set(xlabel="saved iterations, predicted from the angle", ylabel="counted")

    page.figure("turning", "Angles and their bound; iterations saved", draw, columns=2, height=2.8)
    return {"median": float(np.median(angle)),
            "ratio": float(np.median([f["ratio"] for f in found]))}


def analyse(study, results, page):
    first = study.options.get("first_step", 20)
    page.text(f"All estimators look at the same runs; errors count from step {first} on, against "
              "Lanczos with a residual of at most 0.001. A lost estimate counts as an error of 100 %.")
    medians = accuracy(results, page, first)
    angle = turning(results, page)
    page.check("estimators do not change the training, bit by bit", same_training(results))
    colds = [errors_of(results, method, matrix, 0) for method in ("cold5", "cold20")
             for matrix in results.values("matrix")]
    page.check("a Rayleigh quotient does not exceed the largest eigenvalue",
               all(np.all(e <= 2e-3) for e in colds))
    conclude(results, page, medians, angle)


def conclude(results, page, medians, angle):
    """The parts of the claim: one product is enough for 3 %, five from a warm start beat twenty from
    a cold one, the eigenvector turns by less than 0.1 rad."""
    words, parts = [], []
    for matrix in results.values("matrix"):
        warm, cold = medians.get(("warm1", matrix)), medians.get(("cold5", matrix))
        many, few = medians.get(("cold20", matrix)), medians.get(("warm5", matrix))
        if warm is not None and cold is not None:
            parts.append(warm < 0.03)
            words.append(f"{matrix}: {100 * warm:.1f} % warm with 1 HVP against {100 * cold:.0f} % "
                         "cold with 5")
        if many is not None and few is not None:
            parts.append(few < many)
            words.append(f"{100 * few:.2f} % warm with 5 against {100 * many:.2f} % cold with 20")
    if angle is not None:
        parts.append(angle["median"] < 0.1)
        words.append(f"the eigenvector turns by {angle['median']:.2f} rad a step")
        page.text(f"Why cold starts are as good as they are: λ₂/λ₁ is {angle['ratio']:.2f} (median), so "
                  f"that five products lower the error of the vector to {angle['ratio']**5:.0%} of the "
                  "first, and that of λ by the square.")
    page.answer = Answer(
        "median errors of λ, " + "; ".join(words),
        "cannot be said" if not parts else "yes" if all(parts) else "in part" if any(parts)
        else "no",
        f"{len(results.values('seed'))} seeds, errors pooled over steps; one architecture and size, so "
        "its λ₂/λ₁ is what the figures stand for")
