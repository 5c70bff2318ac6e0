# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One framework in a process of its own: `worker.py jax|torch CASE`. Reads one command a line,
`OPERATION|WAY|SECONDS`, answers one line of JSON: seconds of a call (the median of calls for about
SECONDS, after one or two to warm up), and the process's peak memory since the last `reset`."""

import importlib
import json
import statistics
import sys
import time

import model


def memory_mib(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key)) / 1024


def reset_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def measure(call, seconds, warm):
    begin = time.perf_counter()
    for _ in range(0 if warm else 2):  # compiles, sizes memory
        call()
    set_up, times = time.perf_counter() - begin, []
    while sum(times) < seconds or not times:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return {"seconds": statistics.median(times), "calls": len(times), "set_up": set_up}


def serve(problem, base):
    ways, warm = problem.ways(), set()
    for line in sys.stdin:
        operation, way, seconds = line.rstrip("\n").split("|")
        reset_peak()
        try:
            answer = measure(ways[operation][way], float(seconds), (operation, way) in warm)
            warm.add((operation, way))
            answer["peak_memory_mib"] = memory_mib("VmHWM") - base
        except Exception as error:  # a way that the framework can't go is a result
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:150]}"}
        print(json.dumps(answer), flush=True)


def main():
    framework = importlib.import_module("in_" + sys.argv[1])
    case = model.CASES[sys.argv[2]]
    base = memory_mib("VmRSS")
    problem = framework.Problem(case, model.random_parameters(case), model.random_direction(case),
                                model.random_tokens(case))
    if len(sys.argv) > 3:  # worker.py FRAMEWORK CASE OPERATION WAY: once, then the end
        problem.ways()[sys.argv[3]][sys.argv[4]]()
        return
    ways = {operation: list(known) for operation, known in problem.ways().items()}
    print(json.dumps({"version": framework.VERSION, "ways": ways}), flush=True)
    serve(problem, base)


if __name__ == "__main__":
    main()
