# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the cases of a study here, as many at once as there are jobs.

A case's folder holds `case.toml`, `log.txt`, `run/` (which `kyrtos train` writes), `measure/*.json`
and, when all of it is done, `status.json`. What is there is not done again.
"""

import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from .plan import StudyError, commands_of

FINISHED, DIVERGED, TO_BE_CONTINUED = 0, 3, 75


def check_that_threads_are_free():
    """OpenMP has bound this very process by now, and what it starts would share its one core."""
    bound = os.environ.get("OMP_PROC_BIND", "false")
    if bound.lower() != "false":
        raise StudyError(f"OMP_PROC_BIND={bound} lets all runs share one core; unset it, as "
                         "a study shares out the cores itself")


class Runner:
    """Starts processes, and ends them when it is told to."""

    def __init__(self, study, chosen):
        check_that_threads_are_free()
        self.program, self.launcher = chosen.program, chosen.launcher
        self.jobs = max(1, min(chosen.jobs, study.jobs, len(study.cases)))
        self.stopped = False
        self.children, self.lock = set(), threading.Lock()
        for word in (signal.SIGTERM, signal.SIGINT):
            signal.signal(word, self.stop)

    def stop(self, *_):
        """Trainings save a checkpoint and exit; the next call goes on from there."""
        self.stopped = True
        with self.lock:
            for child in self.children:
                child.send_signal(signal.SIGTERM)

    def call(self, words, log, launcher=(), output=None):
        """(exit code, seconds, largest memory in bytes) of a command of the program."""
        threads = max(1, len(os.sched_getaffinity(0)) // self.jobs)
        environment = {"OMP_NUM_THREADS": str(threads), "OMP_PROC_BIND": "false",
                       "OPENBLAS_NUM_THREADS": str(threads), **os.environ}
        start = time.monotonic()
        with self.lock:
            if self.stopped:
                return TO_BE_CONTINUED, 0.0, 0
            child = subprocess.Popen([*launcher, self.program, *words], stdout=output or log,
                                     stderr=log, env=environment, start_new_session=True)
            self.children.add(child)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        with self.lock:
            self.children.discard(child)
        return child.returncode, time.monotonic() - start, used.ru_maxrss * 1024

    def case(self, study, case):
        """The exit code of the training; its status, and those of commands after it, are kept."""
        prepare(case)
        known = status_of(case)
        if known and known["exit"] in (FINISHED, DIVERGED) and known.get("complete"):
            return known["exit"]
        with open(case.folder / "log.txt", "a", encoding="utf-8") as log:
            if not known or known["exit"] not in (FINISHED, DIVERGED):
                words = ["train", str(case.folder / "case.toml"), "--resume"]
                code, seconds, memory = self.call(words, log, self.launcher)
                before = known["seconds"] if known else 0.0
                known = {"exit": code, "seconds": before + seconds, "memory": memory,
                         "complete": False}
                write_json(case.folder / "status.json", known)
            if known["exit"] in (FINISHED, DIVERGED) and self.measure(study, case, log):
                known["complete"] = True
                write_json(case.folder / "status.json", known)
        return TO_BE_CONTINUED if self.stopped and not known["complete"] else known["exit"]

    def measure(self, study, case, log):
        folder = case.folder / "measure"
        for name, words, values in commands_of(study, case):
            target = folder / f"{name}.json"
            if target.exists():
                continue
            folder.mkdir(exist_ok=True)
            output = folder / f"{name}.out"
            with open(output, "w", encoding="utf-8") as file:
                code, seconds, memory = self.call(words, log, output=file)
            if self.stopped:
                return False
            text = output.read_text(encoding="utf-8")
            output.unlink()
            try:
                found = json.loads(text)
            except ValueError:
                found = None
            write_json(target, {"values": values, "exit": code, "seconds": seconds,
                                "memory": memory, "found": found})
        return True


def prepare(case):
    """The case's folder, with its configuration; a folder of another plan is an error."""
    case.folder.mkdir(parents=True, exist_ok=True)
    file = case.folder / "case.toml"
    if file.exists() and file.read_text(encoding="utf-8") != case.toml:
        raise StudyError(f"{file}: is of another plan than the study's now; choose another "
                         "--output, or remove this folder")
    file.write_text(case.toml, encoding="utf-8")


def status_of(case):
    try:
        return json.loads((case.folder / "status.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path, value):
    """Complete or absent."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value), encoding="utf-8")
    partial.replace(path)


def word_for(code):
    return {FINISHED: "finished", DIVERGED: "diverged", TO_BE_CONTINUED: "stopped"}.get(
        code, f"failed with exit code {code}")


def duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def one_case(study, chosen):
    """For job arrays: case number `--case`. Divergence is a result here too."""
    if not 0 <= chosen.case < len(study.cases):
        raise StudyError(f"--case {chosen.case}: there are cases 0 to {len(study.cases) - 1}")
    code = Runner(study, chosen).case(study, study.cases[chosen.case])
    print(f"{study.cases[chosen.case].name}: {word_for(code)}")
    return 0 if code == DIVERGED else code


def all_cases(study, chosen):
    """True when all have ended by themselves."""
    runner = Runner(study, chosen)
    print(f"{study.title}: {len(study.cases)} runs, {runner.jobs} at once, in {study.folder}",
          flush=True)
    start, done, new = time.monotonic(), 0, 0
    with ThreadPoolExecutor(runner.jobs) as pool:
        known = {case.name for case in study.cases if (status_of(case) or {}).get("complete")}
        futures = {pool.submit(runner.case, study, case): case for case in study.cases}
        for future in as_completed(futures):
            case, code = futures[future], future.result()
            done += 1
            if case.name in known:
                continue
            new += 1
            left = (len(study.cases) - len(known) - new) * (time.monotonic() - start) / new
            print(f"[{done}/{len(study.cases)}] {case.name}: {word_for(code)}, "
                  f"ETA {duration(left)}", flush=True)
    return not runner.stopped
