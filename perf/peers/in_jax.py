# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The model in JAX, everything jitted."""

import math

import jax
import jax.numpy as jnp
import numpy as np

VERSION = "JAX " + jax.__version__


def linear(p, name, x):
    return x @ p[name + ".weight"].T + p[name + ".bias"]


def norm(p, name, x):
    x = x - jnp.mean(x, axis=-1, keepdims=True)
    x = x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-5)
    return p[name + ".weight"] * x + p[name + ".bias"]


def attention(case, p, block, x):
    batch, time, width = x.shape
    size = width // case.heads
    q, k, v = jnp.split(linear(p, block + "attention.qkv", x), 3, axis=-1)
    q, k, v = (y.reshape(batch, time, case.heads, size) for y in (q, k, v))
    s = jnp.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(size)
    s = jnp.where(np.tril(np.ones((time, time), bool)), s, -jnp.inf)
    o = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(s), v)
    return linear(p, block + "attention.output", o.reshape(batch, time, width))


def mlp(p, block, x):
    h = jax.nn.gelu(linear(p, block + "mlp.up", x), approximate=True)
    return linear(p, block + "mlp.down", h)


def loss(case, p, tokens):
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    x = p["embedding.token.weight"][inputs]
    x = x + p["embedding.position.weight"][:inputs.shape[1]]
    for i in range(case.depth):
        block = f"blocks.{i}."
        x = x + attention(case, p, block, norm(p, block + "norm1", x))
        x = x + mlp(p, block, norm(p, block + "norm2", x))
    head = p["embedding.token.weight" if case.tied else "head.weight"]
    z = norm(p, "final_norm", x) @ head.T
    chosen = jnp.take_along_axis(z, targets[..., None], axis=-1)[..., 0]
    return jnp.mean(jax.nn.logsumexp(z, axis=-1) - chosen)


def adamw(p, m, v, g, t, rate=1e-7, beta1=0.9, beta2=0.95, epsilon=1e-8, decay=0.1):
    """One step, with the gradient clipped to norm 1."""
    size = jnp.sqrt(sum(jnp.vdot(x, x) for x in g.values()))
    scale = jnp.minimum(1, 1 / size)

    def one(p, m, v, g):
        g = scale * g
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        step = m / (1 - beta1 ** t) / (jnp.sqrt(v / (1 - beta2 ** t)) + epsilon)
        return p - rate * (step + decay * p), m, v

    new = {name: one(p[name], m[name], v[name], g[name]) for name in p}
    return tuple({name: value[i] for name, value in new.items()} for i in range(3))


class Problem:
    def __init__(self, case, parameters, direction, tokens):
        put = lambda tree: {name: jnp.asarray(value) for name, value in tree.items()}
        self.p, self.u = put(parameters), put(direction)
        self.tokens = jnp.asarray(tokens)
        self.t, self.moments = 0.0, None
        f = lambda p, tokens: loss(case, p, tokens)
        gradient = jax.grad(f)
        dot = lambda a, b: sum(jnp.vdot(a[name], b[name]) for name in a)
        self.value_and_gradient = jax.jit(jax.value_and_grad(f))
        self.products = {
            "forward over reverse, jitted": jax.jit(
                lambda p, u, tokens: jax.jvp(lambda q: gradient(q, tokens), (p,), (u,))[1]),
            "reverse over reverse, jitted": jax.jit(
                lambda p, u, tokens: jax.grad(lambda q: dot(gradient(q, tokens), u))(p))}
        self.update = jax.jit(
            lambda p, m, v, tokens, t: adamw(p, m, v, gradient(p, tokens), t),
            donate_argnums=(0, 1, 2))

    def gradient(self):
        return jax.block_until_ready(self.value_and_gradient(self.p, self.tokens))

    def step(self):
        if self.moments is None:
            zero = lambda: {name: jnp.zeros_like(value) for name, value in self.p.items()}
            self.moments = (zero(), zero())
        self.t += 1
        self.p, *self.moments = self.update(self.p, *self.moments, self.tokens, self.t)
        jax.block_until_ready(self.p)

    def product(self, way):
        return jax.block_until_ready(self.products[way](self.p, self.u, self.tokens))

    def ways(self):
        """What can be measured: operation -> {way: callable}."""
        return {"gradient": {"jitted": self.gradient},
                "step": {"jitted": self.step},
                "hvp": {way: (lambda way=way: self.product(way)) for way in self.products}}

    def results(self, way):
        """Loss, gradient, product as numpy."""
        value, g = self.gradient()
        to_numpy = lambda tree: {name: np.asarray(x) for name, x in tree.items()}
        return float(value), to_numpy(g), to_numpy(self.product(way))
