# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs what the pages tell a reader to type: pages_test.py PROGRAM [LAUNCHER…], where the launcher
starts the program on two ranks.

Each fenced block of README.md, CONTRIBUTING.md, apps/examples/README.md and docs/ is, by its
language:
  sh      commands, run page by page in a folder of their own (small.py says how kyrtos is run)
  toml    a configuration or a study, which the program reads
  other   code of a file that other tests build or run, named in the line above:
          <!-- FILE --> all of it but its licence, <!-- excerpt FILE --> parts of it, with a line … between
  none    not code: what programs print, folders, formulas
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import h5py  # noqa: F401
    import matplotlib  # noqa: F401
except ImportError as fault:
    print(fault)
    sys.exit(77)

PROGRAM, *LAUNCHER = sys.argv[1:]
ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "apps/examples/README.md",
         *sorted(ROOT.glob("docs/**/*.md"))]
FENCE = re.compile(r"(?:^<!-- (?P<how>excerpt )?(?P<file>\S+) -->\n)?^```(?P<language>\w*)\n"
                   r"(?P<text>.*?)^```$", re.M | re.S)
MACHINE = ("apptainer", "cmake", "ctest", "mpicc", "pkg-config", "quickstart", "spack", "srun")
LABORATORIES = ("attention", "head", "linear", "normalization")


def blocks(page, language):
    return [match["text"] for match in FENCE.finditer(page.read_text(encoding="utf-8"))
            if match["language"] == language]


def bare(text):
    """Lines without indentation, and without those that are empty."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


class Folder:
    """What a reader has: the folders of the sources, a text, and commands on the PATH."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.path = Path(folder.name)
        for name in ("apps", "cmake", "docs"):
            (self.path / name).symlink_to(ROOT / name)
        words = "".join(page.read_text(encoding="utf-8") for page in PAGES)
        for text in ("build/demo/bible.txt", "my.txt"):
            (self.path / text).parent.mkdir(parents=True, exist_ok=True)
            (self.path / text).write_text(words, encoding="utf-8")
        shutil.copy(ROOT / "apps/demo/demo.toml", self.path / "run.toml")
        here = Path(__file__).parent
        self.command("kyrtos", f'exec "{sys.executable}" "{here}/small.py" "{PROGRAM}" "$@"')
        launcher = " ".join([shutil.which(LAUNCHER[0]), *LAUNCHER[1:]])
        self.command("mpirun", f'shift 2  # -n 4\nexec {launcher} "$@"')
        machine = f'exec "{sys.executable}" "{here}/machine.py" "{ROOT}"'
        for name in MACHINE:
            self.command(name, f'{machine} {name} "$@"')
        for name in LABORATORIES:  # which may not be built
            self.command(f"../build/release/perf/laboratory_{name}",
                         f"{machine} laboratory perf/laboratory/{name}.cpp")
        (self.path / "quickstart").symlink_to("bin/quickstart")

    def command(self, name, script):
        file = self.path / "bin" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def run(self, script):
        environment = {**os.environ, "PATH": f"{self.path}/bin:{os.environ['PATH']}",
                       "KYRTOS_PYTHON": sys.executable}
        return subprocess.run(["sh", "-exc", script], cwd=self.path, env=environment, text=True,
                              capture_output=True, timeout=200)


class Pages(unittest.TestCase):
    def test_commands_run(self):
        for page in PAGES:
            with self.subTest(page=page.name):
                script = "\n".join(blocks(page, "sh"))
                done = Folder(self).run(script)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_configurations_are_read(self):
        for page in PAGES:
            for text in blocks(page, "toml"):
                with self.subTest(page=page.name):
                    folder = Folder(self)
                    (folder.path / "text.txt").symlink_to("my.txt")
                    (folder.path / "page.toml").write_text(text, encoding="utf-8")
                    is_study = "[axes]" in text
                    done = folder.run("kyrtos study page.toml --slurm array" if is_study
                                      else "kyrtos plan page.toml")
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_code_stands_in_a_source(self):
        for page in PAGES:
            for match in FENCE.finditer(page.read_text(encoding="utf-8")):
                if match["language"] in ("", "sh", "toml"):
                    continue
                with self.subTest(page=page.name, code=match["text"][:60]):
                    self.assertTrue(match["file"], "the line above must name the file")
                    source = (ROOT / match["file"]).read_text(encoding="utf-8")
                    if match["how"] is None:
                        self.assertEqual(match["text"], source.split("\n", 2)[2])
                    for part in re.split(r"^\s*…\n", match["text"], flags=re.M):
                        self.assertIn(bare(part), bare(source))

    def test_the_drawing_of_rooms_is_the_one_that_is_checked(self):
        rules = (ROOT / "tests/source_rules.py").read_text(encoding="utf-8")
        rooms = ast.literal_eval(re.search(r"^ROOMS = (\{.*?^\})", rules, re.M | re.S)[1])
        page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(\w+)` \| ([\w, –]+) \|", page, re.M)
        self.assertEqual({room: set(re.findall(r"\w+", below)) for room, below in rows}, rooms)
        lines = re.findall(r"\w+", re.search(r"^```\n(.*?)^```", page, re.M | re.S)[1])
        for room, below in rooms.items():
            self.assertTrue(all(lines.index(room) < lines.index(other) for other in below), room)

    def test_links_lead_somewhere(self):
        for page in [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]:
            text = FENCE.sub("", page.read_text(encoding="utf-8"))
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"https?:", target):
                    continue
                name, _, anchor = target.partition("#")
                file = (page.parent / name).resolve() if name else page
                with self.subTest(page=page.name, link=target):
                    self.assertTrue(file.exists())
                    if anchor:
                        headings = re.findall(r"^#+ (.*)", file.read_text(encoding="utf-8"), re.M)
                        anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                                   for heading in headings]
                        self.assertIn(anchor, anchors)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
