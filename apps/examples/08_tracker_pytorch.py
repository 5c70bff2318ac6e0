# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""λ of a PyTorch model, followed by Kyrtos in PyTorch's own training loop: the Hessian, as Adam
preconditions it, is a Python function. Needs torch."""

import numpy as np
import torch
from torch import nn

import kyrtos

torch.manual_seed(1)
x = torch.randn(256, 8)
y = torch.sin(x.sum(1, keepdim=True))
model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
theta = list(model.parameters())
sizes = [t.numel() for t in theta]


def loss():
    return nn.functional.mse_loss(model(x), y)


def flat(tensors):
    return torch.cat([t.reshape(-1) for t in tensors])


def hessian_times(u):
    """H u of the loss at the parameters as they are now."""
    parts = torch.tensor(u).split(sizes)
    gradient = torch.autograd.grad(loss(), theta, create_graph=True)
    along = [part.view_as(t) for part, t in zip(parts, theta)]
    return flat(torch.autograd.grad(gradient, theta, along)).numpy()


learning_rate, beta1, beta2, epsilon = 1e-2, 0.9, 0.999, 1e-8
adam = torch.optim.Adam(theta, lr=learning_rate, betas=(beta1, beta2), eps=epsilon)
diagonal = np.ones(sum(sizes), np.float32)  # P^(-1/2), which the loop below keeps up to date
hessian = kyrtos.Operator.from_function(hessian_times, sum(sizes), "float32")
tracker = kyrtos.Tracker(hessian.preconditioned(diagonal), threshold=(2 + 2 * beta1) / (1 - beta1))
for step in range(1, 101):
    adam.zero_grad()
    value = loss()
    value.backward()
    adam.step()
    v = flat([adam.state[t]["exp_avg_sq"] for t in theta]) / (1 - beta2**step)
    diagonal[:] = ((1 - beta1**step) * (v.sqrt() + epsilon)).rsqrt().numpy()
    sharpness = tracker.update(learning_rate)
    if step % 10 == 0:
        print(f"step {step}  loss {value.item():.4f}  λη/threshold {sharpness.threshold_ratio:.2f}  "
              f"residual {sharpness.residual:.0e}  HVPs {sharpness.hvps}")
