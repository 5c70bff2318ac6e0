# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The model in PyTorch, eager and compiled. Its fused attention has no second derivatives on CPUs:
products use the plain one."""

import math

import torch
import torch.nn.functional as F

VERSION = "PyTorch " + torch.__version__


def linear(p, name, x):
    return F.linear(x, p[name + ".weight"], p[name + ".bias"])


def norm(p, name, x):
    return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"])


def plain_attention(q, k, v):
    time, size = q.shape[-2:]
    later = torch.ones(time, time, dtype=torch.bool).triu(1)
    s = (q @ k.transpose(-1, -2) / math.sqrt(size)).masked_fill(later, -math.inf)
    return torch.softmax(s, dim=-1) @ v


def fused_attention(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def logits(case, p, inputs, attend):
    batch, time = inputs.shape
    x = F.embedding(inputs, p["embedding.token.weight"]) + p["embedding.position.weight"][:time]
    for i in range(case.depth):
        block = f"blocks.{i}."
        packed = linear(p, block + "attention.qkv", norm(p, block + "norm1", x))
        q, k, v = (y.view(batch, time, case.heads, -1).transpose(1, 2)
                   for y in packed.split(case.width, dim=-1))
        o = attend(q, k, v).transpose(1, 2).reshape(batch, time, case.width)
        x = x + linear(p, block + "attention.output", o)
        h = linear(p, block + "mlp.up", norm(p, block + "norm2", x))
        x = x + linear(p, block + "mlp.down", F.gelu(h, approximate="tanh"))
    head = p["embedding.token.weight" if case.tied else "head.weight"]
    return F.linear(norm(p, "final_norm", x), head)


def loss(case, p, tokens, attend):
    z = logits(case, p, tokens[:, :-1], attend)
    return F.cross_entropy(z.reshape(-1, case.vocabulary), tokens[:, 1:].reshape(-1))


class Model(torch.nn.Module):
    """For the operator library, which wants a module and its loss function."""

    def __init__(self, case, parameters):
        super().__init__()
        self.case, self.names = case, list(parameters)
        self.values = torch.nn.ParameterList(parameters.values())

    def forward(self, inputs):
        z = logits(self.case, dict(zip(self.names, self.values)), inputs, plain_attention)
        return z.reshape(-1, self.case.vocabulary)


class Problem:
    def __init__(self, case, parameters, direction, tokens):
        self.case = case
        self.p = {name: torch.tensor(value, requires_grad=True)
                  for name, value in parameters.items()}
        self.u = {name: torch.tensor(value) for name, value in direction.items()}
        self.tokens = torch.tensor(tokens, dtype=torch.int64)
        self.optimizer = self.operator = None
        self.compiled = torch.compile(self.loss)
        self.compiled_forward_over_reverse = torch.compile(self.forward_over_reverse)

    def loss(self, p, tokens):
        return loss(self.case, p, tokens, fused_attention)

    def gradient(self, loss):
        value = loss(self.p, self.tokens)
        return value, torch.autograd.grad(value, list(self.p.values()))

    def step(self, loss):
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(self.p.values(), lr=1e-7, betas=(0.9, 0.95),
                                               weight_decay=0.1, fused=True)
        self.optimizer.zero_grad(set_to_none=True)
        loss(self.p, self.tokens).backward()
        torch.nn.utils.clip_grad_norm_(self.p.values(), 1.0)
        self.optimizer.step()

    def double_backward(self):
        values = list(self.p.values())
        value = loss(self.case, self.p, self.tokens, plain_attention)
        g = torch.autograd.grad(value, values, create_graph=True)
        return dict(zip(self.p, torch.autograd.grad(g, values, list(self.u.values()))))

    def forward_over_reverse(self, p, u):
        gradient = torch.func.grad(lambda q: loss(self.case, q, self.tokens, plain_attention))
        return torch.func.jvp(gradient, (p,), (u,))[1]

    def detached(self):
        return {name: value.detach() for name, value in self.p.items()}

    def with_operator(self):
        from curvlinops import HessianLinearOperator
        if self.operator is None:
            model = Model(self.case, self.p)
            data = [(self.tokens[:, :-1], self.tokens[:, 1:].reshape(-1))]
            # The library sizes a batch by its rows, where ours has a target a token.
            self.operator = HessianLinearOperator(
                model, torch.nn.CrossEntropyLoss(reduction="mean"), list(model.parameters()),
                data, check_deterministic=False, num_data=self.case.batch,
                batch_size_fn=lambda inputs: inputs.shape[0])
        return self.operator @ list(self.u.values())

    def ways(self):
        return {"gradient": {"eager": lambda: self.gradient(self.loss),
                             "compiled": lambda: self.gradient(self.compiled)},
                "step": {"eager": lambda: self.step(self.loss),
                         "compiled": lambda: self.step(self.compiled)},
                "hvp": {"double backward, eager": self.double_backward,
                        "forward over reverse, eager":
                            lambda: self.forward_over_reverse(self.detached(), self.u),
                        "forward over reverse, compiled":
                            lambda: self.compiled_forward_over_reverse(self.detached(), self.u),
                        "curvlinops": self.with_operator}}

    def results(self, way):
        value, g = self.gradient(self.loss)
        product = self.ways()["hvp"][way]()
        if not isinstance(product, dict):
            product = dict(zip(self.p, product))
        to_numpy = lambda values: {n: x.detach().numpy() for n, x in values.items()}
        return float(value), to_numpy(dict(zip(self.p, g))), to_numpy(product)
