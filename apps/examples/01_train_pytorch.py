# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What 01_train.cpp does, in PyTorch: AdamW steps of a small Transformer, and λ of the Hessian as Adam
preconditions it, by one exact product a step. To compare the code of both; needs torch."""

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


class GPT(nn.Module):
    def __init__(self, vocabulary=64, context=32, depth=2, width=64, heads=4):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        block = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True,
                                           norm_first=True)
        self.blocks = nn.TransformerEncoder(block, depth, nn.LayerNorm(width), False)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(context))
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens):
        hidden = self.token(tokens) + self.position.weight
        return self.blocks(hidden, self.mask, is_causal=True) @ self.token.weight.T


def dot(x, y):
    return sum((a * b).sum() for a, b in zip(x, y)).item()


def normalized(x):
    size = dot(x, x) ** 0.5
    return [a / size for a in x]


def train(inputs, targets):
    model = GPT()
    theta = list(model.parameters())
    adam = torch.optim.AdamW(theta, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    loss = lambda: nn.functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
    x = [torch.randn_like(t) for t in theta]
    for i in range(1, 21):
        adam.zero_grad()
        value = loss()
        value.backward()
        nn.utils.clip_grad_norm_(theta, 1.0)
        adam.step()
        v = [adam.state[t]["exp_avg_sq"] for t in theta]
        P = [(1 - 0.9**i) * ((s / (1 - 0.95**i)).sqrt() + 1e-8) for s in v]
        with sdpa_kernel(SDPBackend.MATH):  # fused attention has no second derivative
            gradient = torch.autograd.grad(loss(), theta, create_graph=True)
            hx = torch.autograd.grad(gradient, theta, x)
        sharpness = dot(x, hx) / dot(x, [p * s for p, s in zip(P, x)])
        print(f"loss {value.item():.3f}  λη/threshold {sharpness * 1e-3 / 38:.2f}")
        x = normalized([h / p for h, p in zip(hx, P)])


torch.manual_seed(1)
tokens = torch.arange(33) ** 2 % 64
train(tokens[None, :32], tokens[None, 1:])
