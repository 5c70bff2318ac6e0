#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares `kyrtos import`, `hvp` and `export` with transformers, family by family.

    against_transformers.py PROGRAM [FAMILY...]

Random models in float64 are written by save_pretrained and imported; loss, gradient and
Hessian-vector product are compared with PyTorch's double backward, and what is exported is loaded
again. It needs torch, transformers, safetensors and h5py, and is run by hand: no test depends on it.

transformers computes norms, softmax and rotary angles in float32 whatever the model's type. Here
those conversions are left out, so that all is float64 and rounding is all that may differ.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import torch
import transformers
from safetensors.torch import load_file

torch.set_default_dtype(torch.float64)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def keep_double():
    """No conversion of a float64 tensor to float32, no softmax or table in it."""
    to, to_float, softmax, arange = torch.Tensor.to, torch.Tensor.float, torch.softmax, torch.arange
    functional = torch.nn.functional.softmax

    def wide(arguments):
        return [torch.float64 if a is torch.float32 else a for a in arguments]

    def wide_names(names):
        return {k: torch.float64 if v is torch.float32 else v for k, v in names.items()}

    torch.Tensor.to = lambda x, *a, **k: to(x, *wide(a), **wide_names(k))
    torch.Tensor.float = lambda x: to(x, torch.float64)
    torch.softmax = lambda *a, **k: softmax(*a, **wide_names(k))
    torch.nn.functional.softmax = lambda *a, **k: functional(*a, **wide_names(k))
    torch.arange = lambda *a, **k: arange(*a, **wide_names(k))


common = dict(vocab_size=37, hidden_size=24, intermediate_size=20, num_hidden_layers=2,
              num_attention_heads=3, max_position_embeddings=64,
              pad_token_id=None)  # whose row of the embedding would get no gradient there
grouped = dict(common, num_attention_heads=6, num_key_value_heads=2)


def rope(kind, **more):
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=1000.0, **more))


llama3 = rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
yarn = rope("yarn", factor=4.0, original_max_position_embeddings=16)
window = dict(use_sliding_window=True, sliding_window=5, max_window_layers=0)

MODELS = {
    "gpt2": ("GPT2", [dict(vocab_size=37, n_positions=32, n_embd=24, n_layer=2, n_head=3, n_inner=20),
                      dict(vocab_size=37, n_positions=32, n_embd=24, n_layer=2, n_head=3,
                           tie_word_embeddings=False, activation_function="gelu")]),
    "llama": ("Llama", [dict(common), dict(grouped, tie_word_embeddings=True, head_dim=10),
                        dict(grouped, **llama3), dict(grouped, **yarn),
                        dict(common, **rope("linear", factor=4.0)),
                        dict(common, **rope("dynamic", factor=4.0)),
                        dict(common, **rope("yarn", factor=4.0, beta_fast=8.0, beta_slow=2.0,
                                            attention_factor=1.3,
                                            original_max_position_embeddings=32)),
                        dict(common, **rope("yarn", factor=4.0, mscale=0.7, mscale_all_dim=1.1,
                                            original_max_position_embeddings=16)),
                        dict(grouped, attention_bias=True), dict(common, mlp_bias=True),
                        dict(common, attention_bias=True, mlp_bias=True)]),
    "mistral": ("Mistral", [dict(grouped, sliding_window=None), dict(grouped, head_dim=6),
                             dict(grouped, sliding_window=1), dict(grouped, sliding_window=7)]),
    "qwen2": ("Qwen2", [dict(grouped), dict(grouped, num_key_value_heads=6,
                                            tie_word_embeddings=True, **yarn),
                         dict(grouped, **window)]),
    "qwen3": ("Qwen3", [dict(grouped, head_dim=10), dict(grouped, num_key_value_heads=3, head_dim=4,
                                                         tie_word_embeddings=True),
                        dict(grouped, head_dim=8, attention_bias=True),
                        dict(grouped, head_dim=8, **window)]),
    "olmo2": ("Olmo2", [dict(grouped), dict(common, tie_word_embeddings=True, attention_bias=True)]),
    "gpt_neox": ("GPTNeoX", [dict(common), dict(common, rotary_pct=1.0, tie_word_embeddings=True),
                             dict(common, rotary_pct=0.5, use_parallel_residual=False,
                                  hidden_act="gelu_new"),
                             dict(common, attention_bias=False),
                             dict(common, rope_scaling=dict(rope_type="linear", factor=2.0))]),
}


def model_of(name, settings, seed):
    config = getattr(transformers, name + "Config")(**settings)
    config._attn_implementation = "eager"
    attention = name if name == "GPT2" else name
    kind = {"GPT2": "GPT2LMHeadModel"}.get(attention, name + "ForCausalLM")
    model = getattr(transformers, kind)._from_config(config, dtype=torch.float64)
    model.eval()
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3 + (parameter.dim() == 1) * 0.7)
    return model


def loss_of(model, tokens):
    logits = model(tokens[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def double_backward(model, direction, tokens):
    """Loss, and gradient and product by the names of state_dict."""
    names, parameters = zip(*model.named_parameters())
    u = dict(direction.named_parameters())
    loss = loss_of(model, tokens)
    gradient = torch.autograd.grad(loss, parameters, create_graph=True)
    product = torch.autograd.grad(sum((g * u[n]).sum() for n, g in zip(names, gradient)), parameters)
    return loss.item(), dict(zip(names, gradient)), dict(zip(names, product))


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")


def error(found, wanted):
    """Of all tensors together, relative."""
    difference = sum(((found[n] - wanted[n]) ** 2).sum() for n in wanted)
    return (difference / sum((w ** 2).sum() for w in wanted.values())).sqrt().item()


def exported(program, checkpoint, vectors, group, folder):
    """A vector of Kyrtos as tensors with the names of transformers: exported as if it were θ."""
    copy = folder / f"{group}.h5"
    copy.write_bytes(checkpoint.read_bytes())
    with h5py.File(copy, "r+") as file, h5py.File(vectors) as source:
        for name in ("writer", "text_checksum"):
            if name in file.attrs:
                del file.attrs[name]
        for name, data in source[group].items():
            shape, values = data.shape, data[()]
            del file["parameters"][name]
            file["parameters"].create_dataset(name, shape, data=values)
    run(program, "export", copy, "--output", folder / "vector.safetensors", "--dtype", "F64")
    # The head of GPT-NeoX has another name in files than in the model.
    return {name.replace("embed_out", "lm_head"): values
            for name, values in load_file(folder / "vector.safetensors").items()}


def compare(program, name, settings, folder):
    model, direction = model_of(name, settings, 1), model_of(name, settings, 2)
    for which, path in ((model, "model"), (direction, "direction")):
        which.save_pretrained(folder / path)
        run(program, "import", folder / path, "--output", folder / f"{path}.h5")
    torch.manual_seed(3)
    tokens = torch.randint(0, settings["vocab_size"], (2, 20))
    with h5py.File(folder / "batch.h5", "w") as file:
        file["tokens"] = tokens.numpy()
    run(program, "hvp", "--checkpoint", folder / "model.h5", "--batch", folder / "batch.h5", "--vector",
        folder / "direction.h5", "--out", folder / "out.h5", "--precision", "float64")
    loss, gradient, product = double_backward(model, direction, tokens)
    with h5py.File(folder / "out.h5") as file:
        found = float(file["loss"][()])
    g = exported(program, folder / "model.h5", folder / "out.h5", "gradient", folder)
    h = exported(program, folder / "model.h5", folder / "out.h5", "hvp", folder)
    (folder / "back").mkdir()
    run(program, "export", folder / "model.h5", "--output", folder / "back" / "model.safetensors",
        "--config", folder / "back" / "config.json")
    back = transformers.AutoModelForCausalLM.from_pretrained(
        folder / "back", dtype=torch.float64, attn_implementation="eager")
    back.eval()
    return [abs(found / loss - 1), error(g, gradient), error(h, product),
            abs(loss_of(back, tokens).item() / loss - 1)]


def main():
    program, chosen = sys.argv[1], sys.argv[2:] or list(MODELS)
    keep_double()
    bad = 0
    print(f"transformers {transformers.__version__}, torch {torch.__version__}: relative errors")
    print(f"{'':10} {'loss':>9} {'gradient':>9} {'product':>9} {'exported':>9}")
    for family in chosen:
        name, models = MODELS[family]
        for settings in models:
            with tempfile.TemporaryDirectory() as folder:
                errors = compare(program, name, settings, Path(folder))
            bad += not all(e <= most for e, most in zip(errors, (1e-10, 1e-9, 1e-8, 1e-10)))
            plain = {k: v for k, v in settings.items() if common.get(k) != v}
            print(f"{family:10} " + " ".join(f"{e:9.1e}" for e in errors), plain, flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    os.environ.setdefault("OMPI_MCA_mpi_yield_when_idle", "1")
    sys.exit(main())
