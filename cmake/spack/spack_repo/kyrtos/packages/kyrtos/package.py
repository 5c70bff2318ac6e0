# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from spack_repo.builtin.build_systems.cmake import CMakePackage
from spack_repo.builtin.build_systems.cuda import CudaPackage
from spack_repo.builtin.build_systems.rocm import ROCmPackage

from spack.package import *


class Kyrtos(CMakePackage, CudaPackage, ROCmPackage):
    """Kyrtos trains Transformers and measures the curvature of their loss while they train, on any
    Kokkos backend, as a program and as a library."""

    license("Apache-2.0 WITH LLVM-exception")

    # The sources at hand: `spack dev-build`, or `spack develop --path` in an environment.
    version("develop")

    # Kokkos decides which backends there are; these ask it for them. MPI and a parallel HDF5 are
    # no variants, because nothing works without them.
    variant("openmp", default=True, description="Run on CPUs with OpenMP threads")
    variant("onednn", default=True, description="Use oneDNN for float32 matrix products on CPUs")
    variant("fortran", default=False, description="Build the Fortran module")
    variant("shared", default=False, description="Build a shared library")
    variant("plots", default=False, description="Python packages for kyrtos plot and study")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("fortran", type="build", when="+fortran")
    depends_on("cmake@3.23:", type="build")

    depends_on("mpi@3.1:")
    depends_on("hdf5@1.10:+mpi")
    depends_on("onednn", when="+onednn")

    depends_on("kokkos@3.4:+serial+pic")
    depends_on("kokkos-kernels@3.4:+blas")
    depends_on("kokkos+openmp", when="+openmp")
    depends_on("kokkos-kernels+openmp", when="+openmp")
    depends_on("kokkos+shared", when="+shared")
    for arch in CudaPackage.cuda_arch_values:
        depends_on(f"kokkos+cuda cuda_arch={arch}", when=f"+cuda cuda_arch={arch}")
    for arch in ROCmPackage.amdgpu_targets:
        depends_on(f"kokkos+rocm amdgpu_target={arch}", when=f"+rocm amdgpu_target={arch}")
    depends_on("kokkos@4:+wrapper", when="+cuda")
    depends_on("kokkos@4:", when="+rocm")
    depends_on("kokkos-kernels+cuda+cublas", when="+cuda")
    depends_on("kokkos-kernels+rocblas", when="+rocm")

    depends_on("cli11@2:")
    depends_on("fmt@9:")
    depends_on("nlohmann-json@3.10:")
    depends_on("spdlog@1.9:")
    depends_on("tomlplusplus@3:")

    depends_on("catch2@3:", type="test")
    depends_on("openblas", type="test")  # LAPACKE, to compare eigenvalues with

    with when("+plots"):
        depends_on("python@3.11:", type="run")
        depends_on("py-h5py", type="run")
        depends_on("py-matplotlib", type="run")

    conflicts("+cuda", when="+rocm", msg="Kokkos has one device backend at a time")
    conflicts("+cuda", when="cuda_arch=none", msg="name the GPU: cuda_arch=80, 90, ...")
    conflicts("+rocm", when="amdgpu_target=none", msg="name the GPU: amdgpu_target=gfx90a, ...")
    conflicts("%gcc@:9", msg="Kyrtos is written in C++20")

    def cmake_args(self):
        args = [
            self.define_from_variant("BUILD_SHARED_LIBS", "shared"),
            self.define_from_variant("Kyrtos_ENABLE_FORTRAN", "fortran"),
            self.define_from_variant("Kyrtos_ENABLE_ONEDNN", "onednn"),
            self.define("Kyrtos_ENABLE_PERF", False),
            self.define("Kyrtos_ENABLE_TESTS", self.run_tests),
            self.define("Kyrtos_WARNINGS_AS_ERRORS", False),
        ]
        if self.spec.satisfies("+cuda"):
            args.append(self.define("CMAKE_CXX_COMPILER", self["kokkos"].kokkos_cxx))
        if self.spec.satisfies("+rocm"):
            args.append(self.define("CMAKE_CXX_COMPILER", self.spec["hip"].hipcc))
        return args
