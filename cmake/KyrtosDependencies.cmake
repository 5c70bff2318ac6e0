# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Where each dependency comes from: a target that an enclosing project defined, else an installed
# package, else (but for MPI, HDF5 and oneDNN, which belong to the machine) a pinned release that
# CMake fetches. The private prefix is looked at after whatever CMAKE_PREFIX_PATH says.

set(Kyrtos_PREFIX "${PROJECT_SOURCE_DIR}/build/prefix"
    CACHE STRING "Where ./quickstart put Kokkos, Kokkos Kernels and Catch2")

find_package(MPI 3.1 REQUIRED COMPONENTS C CXX)
set_package_properties(MPI PROPERTIES TYPE REQUIRED PURPOSE "messages between ranks")

if(Kyrtos_ENABLE_FORTRAN)
  enable_language(Fortran)
  find_package(MPI 3.1 REQUIRED COMPONENTS Fortran)
  if(NOT MPI_Fortran_HAVE_F08_MODULE)
    message(FATAL_ERROR "This MPI has no module mpi_f08 for ${CMAKE_Fortran_COMPILER}: set "
                        "Kyrtos_ENABLE_FORTRAN to OFF, or take the compiler that MPI was built by.")
  endif()
endif()

if(NOT Kyrtos_CURVATURE_ONLY)
  include(KyrtosHDF5)
  set_package_properties(HDF5 PROPERTIES TYPE REQUIRED PURPOSE "checkpoints and run records")
endif()

if(Kyrtos_ENABLE_ONEDNN)
  find_package(DNNL QUIET)
  set_package_properties(DNNL PROPERTIES TYPE RECOMMENDED DESCRIPTION "oneDNN"
                         PURPOSE "the fastest float32 matrix products on most CPUs")
endif()
set(KYRTOS_HAVE_ONEDNN ${DNNL_FOUND})
add_feature_info(oneDNN KYRTOS_HAVE_ONEDNN "matrix products on the host")

# kyrtos_dependency(package target [VERSION v] URL url SHA256 hash PURPOSE text)
# A macro, since packages define variables that this file's includers read.
macro(kyrtos_dependency package target)
  cmake_parse_arguments(dependency "" "VERSION;URL;SHA256;PURPOSE" "" ${ARGN})
  if(NOT TARGET ${target})
    find_package(${package} ${dependency_VERSION} QUIET HINTS ${Kyrtos_PREFIX})
    if(NOT ${package}_FOUND)
      kyrtos_fetch(${package} ${dependency_URL} ${dependency_SHA256})
    endif()
  endif()
  set_package_properties(${package} PROPERTIES PURPOSE "${dependency_PURPOSE}")
endmacro()

# Downloads, verifies and adds a release; install rules are off from here on, because a package
# that needs what was never installed would be broken.
function(kyrtos_fetch package url hash)
  string(TOUPPER "FETCHCONTENT_SOURCE_DIR_${package}" given)
  if(${given})
    message(STATUS "${package}: from ${${given}}")
  else()
    message(STATUS "${package} is not installed: fetching ${url}")
  endif()
  include(FetchContent)
  set(system "")
  if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.25)
    set(system SYSTEM) # comes first: CMake 3.25 takes it for one more value of what precedes it
  endif()
  if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.24)
    list(APPEND system DOWNLOAD_EXTRACT_TIMESTAMP OFF)
  endif()
  set(CMAKE_POSITION_INDEPENDENT_CODE ${Kyrtos_ENABLE_PYTHON}) # whose library holds it inside
  set(CMAKE_UNITY_BUILD OFF) # names of its files may collide
  FetchContent_Declare(${package} ${system} URL "${url}" URL_HASH "SHA256=${hash}")
  FetchContent_MakeAvailable(${package})
  set_property(GLOBAL APPEND PROPERTY KYRTOS_FETCHED ${package})
endfunction()

# Options for fetched releases. An installed package has long decided these. Those of Kokkos lie in the
# cache: under the policies of CMake 3.16, which some of its releases ask for, others would be forgotten.
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
if(NOT Kokkos_ENABLE_CUDA AND NOT Kokkos_ENABLE_HIP)
  set(Kokkos_ENABLE_OPENMP ON CACHE BOOL "for a fetched Kokkos")
endif()
set(Kokkos_ENABLE_SERIAL ON CACHE BOOL "for a fetched Kokkos")
set(Kokkos_ENABLE_DEBUG_BOUNDS_CHECK ${Kyrtos_ENABLE_BOUNDS_CHECKS} CACHE BOOL "for a fetched Kokkos" FORCE)
# Of Kokkos Kernels, nothing but matrix products.
foreach(on ENABLE_COMPONENT_BLAS ENABLE_TPL_BLAS)
  set(KokkosKernels_${on} ON CACHE BOOL "for fetched Kokkos Kernels")
endforeach()
foreach(off ADD_DEFAULT_ETI ENABLE_ALL_COMPONENTS ENABLE_TPL_CUSOLVER ENABLE_TPL_CUSPARSE ENABLE_TPL_LAPACK
        ENABLE_TPL_ROCSOLVER ENABLE_TPL_ROCSPARSE)
  set(KokkosKernels_${off} OFF CACHE BOOL "for fetched Kokkos Kernels")
endforeach()
set(SPDLOG_FMT_EXTERNAL ON)
set(CLI11_BUILD_TESTS OFF)
set(CLI11_BUILD_EXAMPLES OFF)

set(github "https://github.com")
kyrtos_dependency(
  Kokkos Kokkos::kokkos VERSION 3.4
  URL ${github}/kokkos/kokkos/releases/download/4.7.03/kokkos-4.7.03.tar.gz
  SHA256 969e7933b9426219b220f08036e489b3226e6d8cd24eecf2c5b80df8c37443c0
  PURPOSE "portable kernels and device memory")

# Where kernels run. An installed Kokkos says so itself; one that was fetched obeys these options.
set(kyrtos_device host)
foreach(device CUDA HIP)
  if(device IN_LIST Kokkos_DEVICES OR (NOT Kokkos_DEVICES AND Kokkos_ENABLE_${device}))
    set(kyrtos_device ${device})
  endif()
endforeach()

# nvcc 13.0 ends with an internal error in dnnl.hpp; its C interface is no trouble.
set(KYRTOS_HAVE_ONEDNN_CXX OFF)
if(KYRTOS_HAVE_ONEDNN AND NOT kyrtos_device STREQUAL "CUDA")
  set(KYRTOS_HAVE_ONEDNN_CXX ON)
endif()

if(kyrtos_device STREQUAL "CUDA" AND Kyrtos_ENABLE_DEVICE_BLAS)
  find_package(CUDAToolkit REQUIRED)
  set(KYRTOS_HAVE_CUBLASLT ${CUDAToolkit_FOUND})
elseif(kyrtos_device STREQUAL "HIP" AND Kyrtos_ENABLE_DEVICE_BLAS)
  find_package(rocblas CONFIG QUIET HINTS "$ENV{ROCM_PATH}" /opt/rocm)
  set(KYRTOS_HAVE_ROCBLAS ${rocblas_FOUND})
endif()
add_feature_info(cuBLASLt KYRTOS_HAVE_CUBLASLT "matrix products on CUDA devices")
add_feature_info(rocBLAS KYRTOS_HAVE_ROCBLAS "matrix products on HIP devices")

kyrtos_dependency(
  KokkosKernels Kokkos::kokkoskernels VERSION 3.4
  URL ${github}/kokkos/kokkos-kernels/releases/download/4.7.03/kokkos-kernels-4.7.03.tar.gz
  SHA256 902701e3481b2c535925a02e0918baed6f82186a25297e45314712b0905d9780
  PURPOSE "matrix products on every backend")
if(NOT Kyrtos_CURVATURE_ONLY)
  kyrtos_dependency(
    fmt fmt::fmt VERSION 9
    URL ${github}/fmtlib/fmt/releases/download/10.2.1/fmt-10.2.1.zip
    SHA256 312151a2d13c8327f5c9c586ac6cf7cddc1658e8f53edae0ec56509c8fa516c9
    PURPOSE "text formatting")
  kyrtos_dependency(
    nlohmann_json nlohmann_json::nlohmann_json VERSION 3.10
    URL ${github}/nlohmann/json/releases/download/v3.11.3/json.tar.xz
    SHA256 d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d
    PURPOSE "metrics, one JSON object a step")
  set(toml_version 3)
  if(kyrtos_device STREQUAL "CUDA")
    set(toml_version 3.4) # the first that nvcc can be got through: KyrtosTargets.cmake
  endif()
  kyrtos_dependency(
    tomlplusplus tomlplusplus::tomlplusplus VERSION ${toml_version}
    URL ${github}/marzer/tomlplusplus/archive/v3.4.0.tar.gz
    SHA256 8517f65938a4faae9ccf8ebb36631a38c1cadfb5efa85d9a72e15b9e97d25155
    PURPOSE "configuration files")
endif()

if(Kyrtos_ENABLE_APPS OR Kyrtos_ENABLE_TESTS OR Kyrtos_ENABLE_PERF)
  kyrtos_dependency(
    CLI11 CLI11::CLI11 VERSION 2
    URL ${github}/CLIUtils/CLI11/archive/refs/tags/v2.4.2.tar.gz
    SHA256 f2d893a65c3b1324c50d4e682c0cdc021dd0477ae2c048544f39eed6654b699a
    PURPOSE "command line of the program")
  kyrtos_dependency(
    spdlog spdlog::spdlog VERSION 1.9
    URL ${github}/gabime/spdlog/archive/v1.14.1.tar.gz
    SHA256 1586508029a7d0670dfcb2d97575dcdc242d3868a259742b69f100801ab4e16b
    PURPOSE "logs of the program")
endif()

if(Kyrtos_ENABLE_TESTS)
  kyrtos_dependency(
    Catch2 Catch2::Catch2 VERSION 3
    URL ${github}/catchorg/Catch2/archive/v3.7.1.tar.gz
    SHA256 c991b247a1a0d7bb9c39aa35faf0fe9e19764213f28ffba3109388e62ee0269c
    PURPOSE "tests")
  find_package(LAPACKE REQUIRED)
  set_package_properties(LAPACKE PROPERTIES TYPE REQUIRED
                         PURPOSE "dense eigenvalues to compare with, in the tests only")
endif()

if(Kyrtos_ENABLE_BOUNDS_CHECKS AND COMMAND kokkos_check)
  kokkos_check(OPTIONS DEBUG_BOUNDS_CHECK RETURN_VALUE bounds_checked)
  if(NOT bounds_checked)
    message(FATAL_ERROR "This Kokkos (${Kokkos_DIR}) does not check bounds. Build one that does "
                        "with ./quickstart deps --preset debug, or with "
                        "Kokkos_ENABLE_DEBUG_BOUNDS_CHECK=ON, or turn "
                        "Kyrtos_ENABLE_BOUNDS_CHECKS off.")
  endif()
endif()
