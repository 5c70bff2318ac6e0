#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPT-2 of 124M parameters in PyTorch on one GPU: seconds of a training step with fused attention, and
of a gradient with its product with the Hessian, whose attention is the plain one. The model is that of
perf/peers. A line a figure: name, value and unit, with tabs between."""

import argparse
import time

import in_torch
import torch
from model import Case


def seconds(work, on_device, repetitions=5):
    """The median of a few calls, after one to warm up."""
    times = []
    for _ in range(repetitions + 1):
        begin = time.perf_counter()
        work()
        if on_device:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return sorted(times[1:])[repetitions // 2]


def parameters_of(case, device):
    torch.manual_seed(1)
    return {name: (0.02 * torch.randn(shape, device=device)).requires_grad_()
            for name, shape in case.shapes().items()}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--batch", type=int, default=4)
    options.add_argument("--length", type=int, default=256)
    options.add_argument("--tiny", action="store_true", help="a model that takes no time")
    o = options.parse_args()
    on_device = torch.cuda.is_available()
    device = "cuda" if on_device else "cpu"
    depth, width, heads, vocabulary = (1, 16, 2, 64) if o.tiny else (12, 768, 12, 50257)
    case = Case("gpt2", depth, width, heads, vocabulary, 1024, o.batch, o.length)
    p = parameters_of(case, device)
    tokens = torch.randint(vocabulary, (o.batch, o.length + 1), device=device)
    u = {name: torch.randn_like(value) for name, value in p.items()}
    adam = torch.optim.AdamW(p.values(), lr=1e-4, fused=on_device)

    def loss(attend):
        return in_torch.loss(case, p, tokens, attend)

    def step():
        adam.zero_grad()
        loss(in_torch.fused_attention).backward()
        torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
        adam.step()

    def gradient_and_product():
        values = list(p.values())
        gradient = torch.autograd.grad(loss(plain_attention), values, create_graph=True)
        torch.autograd.grad(gradient, values, list(u.values()))

    mask = torch.ones(o.length, o.length, dtype=torch.bool, device=device).triu(1)

    def plain_attention(q, k, v):
        s = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).masked_fill(mask, float("-inf"))
        return torch.softmax(s, dim=-1) @ v

    def report(name, work):
        print(f"{in_torch.VERSION} {name}", f"{seconds(work, on_device):.5f}", "s", sep="\t", flush=True)

    for precision in ("float32", "bf16"):
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            report(f"step, {precision}", step)
            report(f"gradient and product, {precision}", gradient_and_product)


if __name__ == "__main__":
    main()
