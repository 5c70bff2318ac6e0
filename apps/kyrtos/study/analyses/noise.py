# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What λ of a small probe says about λ of all data."""

import numpy as np

from ..numbers import mean
from ..report import Answer, colours


def analyse(study, results, page):
    tolerance = study.options.get("tolerance", 0.10)
    tables = {}  # (matrix, step) → {n: ([relative λ of each probe], λ of their mean)}
    convex = True
    for case in results:
        whole = {(v["matrix"], v["step"]): f["eigenvalues"]["largest"][0]["value"]
                 for v, f in case.found("whole")}
        for values, found in case.found("probe"):
            key = values["matrix"], values["step"]
            if key not in whole:
                continue
            each = [b["largest"][0]["value"] for b in found["batches"]["each"]]
            convex &= found["eigenvalues"]["largest"][0]["value"] <= np.mean(each) * 1.005
            tables.setdefault(key, {}).setdefault(values["n"], []).extend(
                np.array(each) / whole[key] - 1)
    page.check("λ of the mean matrix is at most the mean of λ (λmax is convex)", convex)
    if not tables:
        raise ValueError("no probe was measured; see the runs' logs")
    matrices = sorted({matrix for matrix, _ in tables})
    needed = {}
    for matrix in matrices:
        rows = []
        for (_, step), by_size in sorted((k, v) for k, v in tables.items() if k[0] == matrix):
            enough = None
            for n in sorted(by_size):
                e = np.array(by_size[n])
                root = float(np.sqrt(np.mean(e**2)))
                enough = enough or (n if root <= tolerance else None)
                middle, error, count = mean(e)
                rows.append([step, n, f"{100 * middle:+.1f} ± {100 * error:.1f} %",
                             f"{100 * e.std(ddof=1):.1f} %", f"{100 * root:.1f} %", count])
            needed[matrix, step] = enough
        page.heading(f"λ of the {matrix} matrix")
        page.table(["step", "sequences", "bias", "scatter", "root mean square", "probes"], rows)
    shades = colours([f"{m}, step {s}" for m, s in sorted(tables)])

    def draw(axes):
        for (matrix, step), by_size in sorted(tables.items()):
            n = np.array(sorted(by_size))
            middle = np.array([np.mean(by_size[i]) for i in n])
            spread = np.array([np.std(by_size[i], ddof=1) for i in n])
            name = f"{matrix}, step {step}"
            axes.errorbar(n, 1 + middle, spread, color=shades[name], label=name, capsize=2,
                          linewidth=1)
        axes.axhspan(1 - tolerance, 1 + tolerance, color="#E8E8E8", zorder=0)
        axes.set(xscale="log", yscale="log", xlabel="sequences in the probe",
                 ylabel="λ(probe)/λ(whole)")
        axes.legend(fontsize=7)

    page.figure("probes", "λ of probes over that of the whole set; bars are one standard deviation "
                "of a single probe, the band is within the tolerance", draw, height=3)
    largest = max(n for by_size in tables.values() for n in by_size)
    words = "; ".join(f"{matrix} at step {step}: {n if n else f'more than {largest}'}"
                      for (matrix, step), n in sorted(needed.items()))
    smallest = min(n for by_size in tables.values() for n in by_size)
    first = [np.mean(by_size[smallest]) for by_size in tables.values() if smallest in by_size]
    page.answer = Answer(
        f"probes of {smallest} sequences {'over' if np.mean(first) > 0 else 'under'}estimate λ by "
        f"{100 * abs(np.mean(first)):.0f} % on average; "
        f"sequences needed to be within {tolerance:.0%} (root mean square): {words}",
        "cannot be said" if None in needed.values() else "in part",
        "each figure is from several disjointly drawn probes of one model; the whole set is a large "
        "sample, whose own error is that of its size")
