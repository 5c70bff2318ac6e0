# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Installs, moves the prefix to a path with a space, and uses it in all the ways that there are.

cmake_minimum_required(VERSION 3.23)

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "This failed: ${command}")
  endif()
endfunction()

# ---- Installed, and moved ----------------------------------------------------------------------

set(prefix "${WORK}/a moved prefix")
file(REMOVE_RECURSE "${WORK}/installed" "${prefix}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/installed")
file(RENAME "${WORK}/installed" "${prefix}")
file(GLOB_RECURSE texts "${prefix}/*.cmake" "${prefix}/*.pc" "${prefix}/*.hpp")
foreach(text IN LISTS texts)
  file(STRINGS "${text}" told REGEX "${BUILD}|${WORK}")
  if(told)
    message(FATAL_ERROR "${text} names the place where it was built or installed: ${told}")
  endif()
endforeach()

# ---- find_package, and the examples -------------------------------------------------------------

set(compilers "-DCMAKE_C_COMPILER=${C}" "-DCMAKE_CXX_COMPILER=${CXX}" -DCMAKE_BUILD_TYPE=Release)
run("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${SOURCE}/apps/examples" -B "${WORK}/the examples"
    "-DCMAKE_PREFIX_PATH=${prefix}" "-DPython3_EXECUTABLE=${PYTHON}" ${compilers})
run("${CMAKE_COMMAND}" --build "${WORK}/the examples")
set(ENV{PATH} "${prefix}/bin:$ENV{PATH}")
set(ENV{PYTHONPATH} "${prefix}/${LIBDIR}/python")
run("${CMAKE_CTEST_COMMAND}" --test-dir "${WORK}/the examples" --output-on-failure)

# ---- The curvature alone, on a machine without what only training needs -------------------------

set(without "")
foreach(package HDF5 fmt nlohmann_json tomlplusplus CLI11 spdlog)
  list(APPEND without "-DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON")
endforeach()
run("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${SOURCE}/tests/install/curvature"
    -B "${WORK}/the curvature" "-DCMAKE_PREFIX_PATH=${prefix}" ${without} ${compilers})
run("${CMAKE_COMMAND}" --build "${WORK}/the curvature")
run("${WORK}/the curvature/host")
run("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${SOURCE}" -B "${WORK}/only curvature"
    -DKyrtos_CURVATURE_ONLY=ON "-DKyrtos_PREFIX=${PREFIXES}" ${without} ${compilers})

# ---- pkg-config ---------------------------------------------------------------------------------

find_program(pkg_config NAMES pkg-config pkgconf)
find_program(mpicc mpicc)
if(pkg_config AND mpicc)
  set(ENV{PKG_CONFIG_PATH} "${prefix}/${LIBDIR}/pkgconfig")
  run(sh -c "eval \"'${mpicc}' '${SOURCE}/apps/examples/03_train.c' -o '${WORK}/train' \
      $('${pkg_config}' --cflags --libs --static kyrtos)\"")
  run("${WORK}/train")
endif()

# ---- add_subdirectory, and FetchContent of sources that are there --------------------------------

foreach(way add_subdirectory FetchContent)
  run("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${SOURCE}/tests/install/${way}"
      -B "${WORK}/by ${way}" "-DKYRTOS_SOURCE=${SOURCE}" "-DKyrtos_PREFIX=${PREFIXES}" ${compilers})
  run("${CMAKE_COMMAND}" --build "${WORK}/by ${way}" --target host_object)
endforeach()
