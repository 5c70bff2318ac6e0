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

# FindHDF5 gives up on a library that has another file name than hdf5, as Debian's hdf5_openmpi from
# HDF5 2 on, unless the target is there already. What it found goes into the target below.
set(kyrtos_makes_hdf5 OFF)
if(NOT TARGET hdf5::hdf5)
  set(kyrtos_makes_hdf5 ON)
  add_library(hdf5::hdf5 INTERFACE IMPORTED)
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

# Of the libraries that the compiler wrapper names, HDF5 itself: the others are its own affair.
if(kyrtos_makes_hdf5)
  set(kyrtos_hdf5_libraries ${HDF5_C_LIBRARIES})
  list(FILTER kyrtos_hdf5_libraries INCLUDE REGEX "hdf5[^/]*$")
  target_include_directories(hdf5::hdf5 INTERFACE ${HDF5_INCLUDE_DIRS})
  target_link_libraries(hdf5::hdf5 INTERFACE ${kyrtos_hdf5_libraries})
endif()
