# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Finds a parallel HDF5 as hdf5::hdf5; used by the build and by the installed package.

# CMake asks HDF5's compiler wrapper, a shell script that gives up in a directory whose name has a
# space in it. There it gets to work in a temporary one.
set(kyrtos_binary_dir "${CMAKE_CURRENT_BINARY_DIR}")
if(kyrtos_binary_dir MATCHES " ")
  string(RANDOM LENGTH 12 random)
  set(CMAKE_CURRENT_BINARY_DIR "/tmp/kyrtos-${random}")
endif()

set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 1.10 COMPONENTS C)

if(kyrtos_binary_dir MATCHES " ")
  file(REMOVE_RECURSE "${CMAKE_CURRENT_BINARY_DIR}")
  set(CMAKE_CURRENT_BINARY_DIR "${kyrtos_binary_dir}")
endif()

if(NOT HDF5_FOUND OR NOT HDF5_IS_PARALLEL)
  unset(HDF5_IS_PARALLEL CACHE) # or the next run would not believe its own findings
  message(FATAL_ERROR "No parallel HDF5 1.10 or newer was found (headers: ${HDF5_INCLUDE_DIRS}). "
                      "Kyrtos writes one file from all ranks: install a parallel build (Debian: "
                      "libhdf5-openmpi-dev; Spack: hdf5+mpi), or point HDF5_ROOT at one.")
endif()
