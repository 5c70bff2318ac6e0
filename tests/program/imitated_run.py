# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes records that look like a training run's, in the formats of train/run_record.hpp and of a
spectral density: data for the plot's tests, and for looking at the plot:

    imitated_run.py DIRECTORY [STEPS [SEED]]
"""

import json
import sys
from pathlib import Path

import h5py
import numpy as np

CONFIG = """[model]
depth = 6
width = 128
[optimizer]
name = "adamw"
[curvature]
matrix = "preconditioned"
method = "tracker"
"""


def imitate(steps=1500, seed=1, peak=2e-3, growth=(0.3, 0.6)):
    """Columns of a run: warm-up and cosine, sharpening up to the threshold, surges with lost
    steps behind them, and new blocks at the given shares of the run."""
    random = np.random.default_rng(seed)
    step = np.arange(1.0, steps + 1)
    share = step / steps
    rate = peak * np.minimum(step / (0.07 * steps), 0.1 + 0.45 * (1 + np.cos(np.pi * share)))
    threshold = 38 / rate
    surges = np.sort(random.uniform(0.25, 0.8, 4))
    surge = sum(np.exp(-(share - at) / 0.006) * (share >= at) for at in surges)
    lost = (surge > 0.25) & (random.uniform(size=steps) < 0.5)

    loss = 1.75 + 3.8 * np.exp(-share / 0.03) + 0.6 * np.exp(-share / 0.4)
    loss += 0.35 * surge + random.normal(0, 0.04, steps)
    rise = 0.55 * threshold.min() * (1 - np.exp(-share / 0.12)) ** 1.5 + 400
    log_noise = np.convolve(random.normal(0, 0.05, steps + 8), np.ones(9) / 3, "valid")
    sharpness = np.minimum(rise * (1 + 2 * share), 1.02 * threshold)
    sharpness *= np.exp(log_noise + 0.5 * surge)
    quality = np.where(surge > 0.02, "following", "converged")
    quality[share < 0.02] = "following"
    quality[lost] = "lost"
    sharpness[lost] = np.nan
    validated = (step % max(1, steps // 15) == 0) | (step == steps)
    return {
        "step": step,
        "loss": loss,
        "validation_loss": np.where(validated, loss + 0.06 + random.normal(0, 0.02, steps), np.nan),
        "learning_rate": rate,
        "active_depth": 2.0 + 2 * np.searchsorted(growth, share),
        "lambda": sharpness,
        "threshold_ratio": sharpness / threshold,
        "quality": quality,
    }


PARTS = ("embedding", "blocks.0.attention", "blocks.0.mlp", "final_norm")


def with_signals(columns, seed=1):
    """And what a probe on the batch measures: along the update, and by part of the model."""
    random = np.random.default_rng(seed)
    step = columns["step"]
    predicted = -1e-3 * (1 + 0.1 * random.normal(size=len(step)))
    shares = random.dirichlet(np.ones(len(PARTS)), len(step)).T
    turns = [np.where(step % len(PARTS) == turn, 50.0 * (turn + 1), np.nan)
             for turn in range(len(PARTS))]
    return {**columns, "directional_ratio": 0.3 + 0.05 * random.normal(size=len(step)),
            "predicted_change": predicted, "actual_change": predicted + 1e-4,
            "mass": dict(zip(PARTS, shares)), "part_lambda": dict(zip(PARTS, turns))}


def some_steps(columns, count):
    return {key: values[:count] for key, values in columns.items()}


def without_curvature(columns):
    nothing = np.full_like(columns["step"], np.nan)
    return {**columns, "lambda": nothing, "threshold_ratio": nothing,
            "quality": np.full(len(nothing), "")}


def without_values(columns):
    """A run that measured nothing but NaN."""
    nothing = np.full_like(columns["step"], np.nan)
    return {**dict.fromkeys(columns, nothing), "step": columns["step"],
            "quality": np.full(len(nothing), "lost")}


def write_h5(folder, columns, config=CONFIG):
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "run.h5", "w") as file:
        file.attrs.update({"format": "kyrtos run", "version": 1, "config": config})
        for key, values in columns.items():
            if isinstance(values, dict):
                for part, column in values.items():
                    file[f"metrics/{key}/{part}"] = column
            else:
                file[f"metrics/{key}"] = values.astype("S16") if key == "quality" else values


def write_jsonl(folder, columns):
    """One object a step; what a step has not is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "metrics.jsonl", "w", encoding="utf-8") as file:
        for i in range(len(columns["step"])):
            file.write(json.dumps(entry_of(columns, i)) + "\n")


def entry_of(columns, i):
    values = {key: entry_of(column, i) if isinstance(column, dict) else column[i].item()
              for key, column in columns.items()}
    return {key: value for key, value in values.items() if value == value and value not in ("", {})}


def write_spectrum(file, seed=1):
    """A bulk at zero, a few outliers, and five eigenvalues at either end."""
    random = np.random.default_rng(seed)
    grid = np.linspace(-3, 12, 1000)
    bumps = [(0, 0.995, 0.15), (0.8, 5e-3, 0.4), *((at, 1e-6, 0.15) for at in (4, 6.1, 10.4))]
    density = sum(w / s * np.exp(-(((grid - at) / s) ** 2) / 2) for at, w, s in bumps) / 2.5066
    with h5py.File(file, "w") as out:
        out["spectrum/grid"] = grid
        out["spectrum/density"] = density
        out["spectrum/standard_error"] = density * random.uniform(0.1, 0.3, 1000)
        out["eigenvalues/largest"] = np.array([10.4, 6.1, 4.0, 2.2, 2.0])
        out["eigenvalues/smallest"] = np.array([-1.4, -1.1, -0.9, -0.85, -0.8])


if __name__ == "__main__":
    target, numbers = Path(sys.argv[1]), [int(word) for word in sys.argv[2:4]]
    write_jsonl(target, imitate(*numbers))
    write_h5(target, imitate(*numbers))
    write_spectrum(target / "spectrum.h5")
