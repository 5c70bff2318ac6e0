#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kyrtos beside JAX and PyTorch: the same models, batches, precision (float32), threads, machine,
in turns. README.md says how to run it and how it measures."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import check
import model

HERE = Path(__file__).parent


class Peer:
    """A framework's process that waits for commands."""

    def __init__(self, framework, case):
        self.framework = framework
        self.process = subprocess.Popen(
            [sys.executable, HERE / "worker.py", framework, case], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.facts = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.framework} ended with code {self.process.wait()}")
        return json.loads(line)

    def measure(self, operation, way, seconds):
        self.process.stdin.write(f"{operation}|{way}|{seconds}\n")
        self.process.stdin.flush()
        return self.read()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def bench(program, case, seconds):
    """One round of `kyrtos bench`: operation -> seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "bench.json")
        subprocess.run([program, "bench", "--suite", "node", "--case", case, "--repetitions", "2",
                        "--seconds", str(seconds), "--json", file], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = next(c for c in json.loads(file.read_text())["cases"] if c["name"] == case)
    return {"gradient": found["gradient_s"], "step": found["step_s"], "hvp": found["hvp_alone_s"],
            "hvp after gradient": found["hvp_s"]}


def wanted(way, ways):
    return not ways or any(word in way for word in ways)


def times(program, case, rounds, seconds, frameworks, only):
    """{(who, operation, way): [seconds of each round] or an error}"""
    peers, found = {name: Peer(name, case) for name in frameworks}, {}
    for turn in range(rounds):
        print(f"{case}: round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
        for operation, value in bench(program, case, seconds).items():
            found.setdefault(("Kyrtos", operation, ""), []).append(value)
        for peer in peers.values():
            for operation, ways in peer.facts["ways"].items():
                for way in (way for way in ways if wanted(way, only)):
                    key = (peer.facts["version"], operation, way)
                    if isinstance(found.get(key), str):
                        continue  # it can't
                    print(f"  {peer.framework}: {operation}, {way}", file=sys.stderr, flush=True)
                    answer = peer.measure(operation, way, seconds / 10)
                    if "error" in answer:
                        found[key] = answer["error"]
                    else:
                        found.setdefault(key, []).append(answer["seconds"])
    for peer in peers.values():
        peer.end()
    return found


# A process inherits the peak of the one that forked it: here that holds both frameworks.
SMALL_PARENT = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def peak_of(command):
    """Peak resident MiB of a process."""
    return float(subprocess.run([sys.executable, "-c", SMALL_PARENT, *command], check=True,
                                stdout=subprocess.PIPE, text=True).stdout)


def kyrtos_memory(program, case, *options):
    with tempfile.TemporaryDirectory() as folder:
        command = check.product_command(program, model.CASES[case], Path(folder))
        return peak_of([*command, "--product-only", *options])


def memory(program, case, frameworks):
    """Peak memory of one product: what comes on top of a framework's imports, or of Kyrtos'
    process with a model of no size."""
    none = kyrtos_memory(program, "tiny")
    found = {("Kyrtos", " ".join(options)): [kyrtos_memory(program, case, *options) - none]
             for options in ([], ["--recompute"])}
    for framework in frameworks:
        ways = Peer(framework, case)
        names, version = ways.facts["ways"]["hvp"], ways.facts["version"]
        ways.end()
        for way in names:
            peer = Peer(framework, case)  # a new one each, as allocators keep what they got
            try:
                answer = peer.measure("hvp", way, 0)
                found[(version, way)] = answer.get("error") or [answer["peak_memory_mib"]]
                peer.end()
            except RuntimeError as error:
                found[(version, way)] = str(error)
            print(f"{case}: {version}, {way}", file=sys.stderr, flush=True)
    return found


def start_up(program, rounds):
    """From the start of a process to the end of its first training step of `char`."""
    found = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "bench.json")
            subprocess.run([program, "bench", "--suite", "node", "--case", "start_up",
                            "--repetitions", "3", "--json", file], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            found.setdefault(("Kyrtos", ""), []).append(
                json.loads(file.read_text())["cases"][0]["first_step_s"])
        for framework, way in (("jax", "jitted"), ("torch", "eager"), ("torch", "compiled")):
            begin = time.perf_counter()
            subprocess.run([sys.executable, HERE / "worker.py", framework, "char", "step", way],
                           check=True, stderr=subprocess.DEVNULL)
            found.setdefault((framework, way), []).append(time.perf_counter() - begin)
    return found


def rows(found, ours):
    """Markdown lines: the median, and how many times ours it is; or why there is none."""
    middle = {key: value if isinstance(value, str) else statistics.median(value)
              for key, value in found.items()}
    for key, value in middle.items():
        cells = [value, ""] if isinstance(value, str) else [f"{value:.4g}",
                                                            f"{value / middle[ours]:.2f}"]
        yield "| " + " | ".join([*key, *cells]) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the kyrtos program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20, help="of Kyrtos in a round")
    parser.add_argument("--cases", nargs="*", default=["char", "gpt2"])
    parser.add_argument("--memory", nargs="*", default=["long", "wide_head"])
    parser.add_argument("--frameworks", nargs="*", default=["jax", "torch"],
                        help="of times and memory")
    parser.add_argument("--ways", nargs="*", default=[],
                        help="only ways with one of these words in their name, in the times")
    parser.add_argument("--no-start-up", action="store_true")
    parser.add_argument("--report", type=Path, default=Path("peers.md"))
    o = parser.parse_args()
    threads = str(o.threads)
    cores = sorted(os.sched_getaffinity(0))[:o.threads]
    if len(cores) < o.threads:
        parser.error(f"--threads {threads}: this process may use {len(cores)} cores; unset "
                     "OMP_PROC_BIND, which binds this very process")
    os.sched_setaffinity(0, cores)  # JAX counts these
    os.environ |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "JAX_PLATFORMS": "cpu"}

    lines = ["# Kyrtos beside JAX and PyTorch", "",
             f"float32, {threads} threads; `{' '.join(sys.argv)}`", "", *check.table(o.program)]
    save = lambda: o.report.write_text("\n".join(lines) + "\n")
    for case in o.cases:
        found = times(o.program, case, o.rounds, o.seconds, o.frameworks, o.ways)
        for operation in ("gradient", "step", "hvp"):
            lines += ["", f"## {case}: {operation}", "", "| program | operation | way | seconds | ÷ Kyrtos |",
                      "|---|---|---|---|---|"]
            some = {key: v for key, v in found.items() if key[1].startswith(operation)}
            lines += rows(some, ("Kyrtos", operation, ""))
        save()
    for case in o.memory:
        lines += ["", f"## {case}: peak memory of a product", "",
                  "| program | way | MiB | ÷ Kyrtos |", "|---|---|---|---|",
                  *rows(memory(o.program, case, o.frameworks), ("Kyrtos", ""))]
        save()
    if not o.no_start_up:
        lines += ["", "## char: start-up to the end of the first step", "",
                  "| program | way | seconds | ÷ Kyrtos |", "|---|---|---|---|",
                  *rows(start_up(o.program, 3), ("Kyrtos", ""))]
    save()
    print(o.report.read_text())


if __name__ == "__main__":
    main()
