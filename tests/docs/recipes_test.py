# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads the recipes for Spack and Apptainer against the sources: recipes_test.py ROOT

Neither tool is needed. Spack's recipe is run with a stand-in for Spack that records what it says."""

import re
import sys
import types
import unittest
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(sys.argv[1])
RECIPE = ROOT / "cmake/spack/spack_repo/kyrtos/packages/kyrtos/package.py"
CONTAINER = ROOT / "cmake/containers/kyrtos.def"
BUILD = "".join(file.read_text(encoding="utf-8")
                for file in (ROOT / "CMakeLists.txt", *(ROOT / "cmake").glob("*.cmake")))


class Spec:
    """A spec with every variant on or every variant off."""

    def __init__(self, all_on):
        self.all_on = all_on

    def satisfies(self, _):
        return self.all_on

    def __getitem__(self, name):
        return types.SimpleNamespace(hipcc="hipcc", prefix=f"/{name}")


class Package:
    cuda_arch_values = ("80", "90")
    amdgpu_targets = ("gfx90a",)
    run_tests = True

    def __init__(self, all_on):
        self.spec = Spec(all_on)

    def __getitem__(self, name):
        return types.SimpleNamespace(kokkos_cxx="nvcc_wrapper")

    def define(self, name, value):
        return name, value

    def define_from_variant(self, name, variant):
        assert variant in SAID["variant"], f"there is no variant {variant}"
        return name, self.spec.all_on


SAID = {"variant": {}, "depends_on": {}, "conflicts": {}, "version": {}, "license": {}}


def recorder(kind):
    def record(what, **words):
        SAID[kind].setdefault(what, []).append(words)
    return record


def recipe():
    """The class Kyrtos, with what its body says in SAID."""
    modules = {"spack_repo.builtin.build_systems.cmake": {"CMakePackage": Package},
               "spack_repo.builtin.build_systems.cuda": {"CudaPackage": type("Cuda", (), {
                   "cuda_arch_values": Package.cuda_arch_values})},
               "spack_repo.builtin.build_systems.rocm": {"ROCmPackage": type("ROCm", (), {
                   "amdgpu_targets": Package.amdgpu_targets})},
               "spack.package": {kind: recorder(kind) for kind in SAID}}
    modules["spack.package"]["when"] = lambda condition: nullcontext()
    for name, members in modules.items():
        parts = name.split(".")
        for i in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:i]), types.ModuleType(".".join(parts[:i])))
        vars(sys.modules[name]).update(members)
    scope = {"__name__": "recipe"}
    exec(compile(RECIPE.read_text(encoding="utf-8"), RECIPE, "exec"), scope)
    return scope["Kyrtos"]


class Spack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.package = recipe()

    def test_every_option_exists(self):
        known = set(re.findall(r"(?:option|cmake_dependent_option)\((Kyrtos_\w+)", BUILD))
        for all_on in (False, True):
            for name, _ in self.package(all_on).cmake_args():
                self.assertIn(name, known | {"BUILD_SHARED_LIBS", "CMAKE_CXX_COMPILER"})

    def test_every_dependency_of_the_build_is_one_of_the_recipe(self):
        names = {re.match(r"[\w-]+", what)[0] for what in SAID["depends_on"]}
        wanted = {name.lower() for name in re.findall(r"kyrtos_dependency\(\s*(\w+) \w+::", BUILD)}
        spelt = {"kokkoskernels": "kokkos-kernels", "nlohmann_json": "nlohmann-json"}
        self.assertGreater(len(wanted), 5)
        self.assertLessEqual({spelt.get(name, name) for name in wanted}, names)
        self.assertLessEqual({"mpi", "hdf5", "onednn", "cmake"}, names)

    def test_versions_are_those_that_cmake_asks_for(self):
        cmake = re.search(r"cmake_minimum_required\(VERSION ([\d.]+)", BUILD)[1]
        self.assertIn(f"cmake@{cmake}:", SAID["depends_on"])
        kokkos = re.search(r"Kokkos Kokkos::kokkos VERSION ([\d.]+)", BUILD)[1]
        self.assertTrue(any(what.startswith(f"kokkos@{kokkos}:") for what in SAID["depends_on"]))

    def test_conditions_name_variants(self):
        known = set(SAID["variant"]) | {"cuda", "rocm"}
        for kind in ("depends_on", "conflicts"):
            for what, says in SAID[kind].items():
                for condition in [words.get("when", "") for words in says]:
                    for variant in re.findall(r"[+~](\w+)", condition.split("^")[0]):
                        self.assertIn(variant, known, f"{kind} {what}")
        for words in SAID["variant"].values():
            self.assertTrue(words[0]["description"])

    def test_style(self):
        for number, line in enumerate(RECIPE.read_text(encoding="utf-8").splitlines(), 1):
            self.assertLessEqual(len(line), 99, f"line {number}")
            self.assertEqual(line, line.rstrip(), f"line {number}")


class Apptainer(unittest.TestCase):
    TEXT = CONTAINER.read_text(encoding="utf-8")

    def test_it_has_its_sections(self):
        self.assertRegex(self.TEXT, r"(?m)^Bootstrap: \w+\nFrom: debian:12")
        for section in ("files", "post", "environment", "test", "runscript", "help"):
            self.assertRegex(self.TEXT, rf"(?m)^%{section}$")

    def test_it_copies_what_is_there(self):
        files = re.search(r"(?ms)^%files\n(.*?)^%", self.TEXT)[1]
        for line in files.splitlines():
            if line.strip():
                self.assertTrue((ROOT / line.split()[0]).exists(), line)

    def test_commands_of_quickstart_and_options_exist(self):
        quickstart = (ROOT / "quickstart").read_text(encoding="utf-8")
        calls = re.findall(r"\./quickstart (\w+)(.*)", self.TEXT)
        self.assertTrue(calls)
        for command, words in calls:
            for word in [command, *re.findall(r"--\w+", words)]:
                self.assertRegex(quickstart, rf"(?m)^  {word}\b")
        for option in re.findall(r"-D(Kyrtos_\w+)=", self.TEXT):
            self.assertIn(option, BUILD)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
