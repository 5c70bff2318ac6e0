# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# %% [markdown]
# From a public checkpoint to a plot of its spectrum: `07_spectrum.py FOLDER TEXT`, where the folder
# holds config.json and *.safetensors, as `huggingface-cli download … --local-dir FOLDER` leaves it
# (or a checkpoint of Kyrtos). The cells run one by one in an editor that knows `# %%`.

# %% A model and a batch of text
import sys
from pathlib import Path

import numpy as np

import kyrtos

folder, text = Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8")
sequences, length = 4, 16
model = kyrtos.Model.load(folder)
vocabulary = model.config["model"]["vocabulary"]
if (folder / "tokenizer.json").exists():
    from tokenizers import Tokenizer
    tokens = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
else:
    tokens = np.frombuffer(text.encode(), np.uint8) % vocabulary  # bytes, for a model without
rows = np.array(tokens[:sequences * (length + 1)]).reshape(sequences, length + 1)
batch = kyrtos.Batch.of_tokens(rows)
print(f"{model.size} parameters in {len(model.segments)} tensors, loss {model.loss(batch):.4f}")

# %% Both ends of the Hessian's spectrum, beside the Gauss-Newton matrix
hessian, gauss_newton = model.hessian(batch), model.gauss_newton(batch)
ends = hessian.eigenvalues(largest=3, smallest=2, tolerance=1e-2)
for value, residual in ends:
    print(f"eigenvalue {value:12.5g}  residual {residual:.0e}")
print(f"Gauss-Newton {gauss_newton.largest_eigenvalue(1e-2).value:.5g}")

# %% Where the sharpest direction lies
sharpest, x = hessian.power_iteration(tolerance=0.1, max_hvps=60)
shares = {name: float(np.sum(part.astype(float) ** 2)) for name, part in model.named(x).items()}
for name, share in sorted(shares.items(), key=lambda pair: -pair[1])[:3]:
    print(f"{100 * share:5.1f} % of it in {name}")

# %% The density of all eigenvalues
density = hessian.spectral_density(probes=2, steps=40)
print(f"{density.hvps} products; eigenvalues from {np.nanmin(density.nodes):.4g} "
      f"to {np.nanmax(density.nodes):.4g}")

# %% Its plot
import matplotlib.pyplot as plt

plt.semilogy(density.grid, np.maximum(density.density, 1e-8 * density.density.max()))
plt.plot([value for value, _ in ends], np.full(len(ends), density.density.max()), "|", markersize=12)
plt.xlabel("eigenvalue")
plt.ylabel("density")
plt.savefig("spectrum.png", dpi=150)
print("wrote spectrum.png")
