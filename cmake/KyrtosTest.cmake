# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# kyrtos_test(layers/rms_norm [PRECISIONS float double] [THREADS 1 2] [RANKS 1 2] [LABELS …]
#             [DISTINCT])
#
# Compiles the header tests/layers/rms_norm.hpp once for each precision, which it reads as
# KYRTOS_TEST_SCALAR, into the executables test_layers_float and test_layers_double (or, with
# `PRECISIONS none`, test_layers), and adds one CTest entry for each precision, thread count and
# rank count: layers.rms_norm.double.threads2, layers.rms_norm.double.threads1.ranks2. With DISTINCT
# once more in float with kyrtos_distinct, into test_layers_distinct.
function(kyrtos_test test)
  cmake_parse_arguments(arg "DISTINCT" "" "PRECISIONS;THREADS;RANKS;LABELS" ${ARGN})
  kyrtos_default(arg_PRECISIONS float double)
  kyrtos_default(arg_THREADS 2)
  kyrtos_default(arg_RANKS 1)
  kyrtos_default(arg_LABELS unit)

  if(arg_DISTINCT AND TARGET kyrtos_distinct)
    list(APPEND arg_PRECISIONS distinct)
  endif()

  cmake_path(GET test PARENT_PATH room)
  cmake_path(GET test FILENAME header)
  foreach(precision IN LISTS arg_PRECISIONS)
    kyrtos_test_source(${test} ${room} ${precision} executable)
    set(labels ${arg_LABELS})
    if(precision STREQUAL "distinct")
      set(labels distinct)
    endif()
    foreach(ranks IN LISTS arg_RANKS)
      # Several ranks share the cores of a small machine: one thread each.
      set(numbers_of_threads ${arg_THREADS})
      if(ranks GREATER 1)
        set(numbers_of_threads 1)
      endif()
      foreach(threads IN LISTS numbers_of_threads)
        string(REPLACE ".none" "" name "${room}.${header}.${precision}.threads${threads}")
        kyrtos_test_entry("${name}" ${ranks} ${threads} "${labels}"
                          $<TARGET_FILE:${executable}> --filenames-as-tags --colour-mode none
                          "[#${header}]")
        if(ranks EQUAL 1)
          kyrtos_test_singleton("${name}")
        endif()
      endforeach()
    endforeach()
  endforeach()
endfunction()

macro(kyrtos_default variable)
  if(NOT ${variable})
    set(${variable} ${ARGN})
  endif()
endmacro()

# Adds the two lines that include a test header in one precision to its room's executable, whose
# name goes to ${result}. One executable a precision: what the header defines differs between them.
function(kyrtos_test_source test room precision result)
  set(executable test_${room})
  set(define "")
  set(library Kyrtos::kyrtos)
  if(NOT precision STREQUAL "none")
    string(APPEND executable _${precision})
    set(define "#define KYRTOS_TEST_SCALAR ${precision}\n")
  endif()
  if(precision STREQUAL "distinct")
    set(define "#define KYRTOS_TEST_SCALAR float\n")
    set(library kyrtos_distinct)
  endif()
  if(NOT TARGET ${executable})
    kyrtos_add_executable(${executable})
    kyrtos_own_code(${executable})
    target_link_libraries(
      ${executable} PRIVATE ${library} kyrtos_test_main fmt::fmt hdf5::hdf5 nlohmann_json::nlohmann_json
                            LAPACKE::LAPACKE)
    if(NOT precision STREQUAL "distinct")
      kyrtos_precompile_as(${executable} kyrtos_test_main)
    endif()
  endif()
  set(source "${CMAKE_CURRENT_BINARY_DIR}/sources/${executable}/${test}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "${define}#include \"${test}.hpp\"\n")
  target_sources(${executable} PRIVATE "${source}")
  set(${result} ${executable} PARENT_SCOPE)
endfunction()

# One CTest entry: a command on a number of ranks with a number of threads each. Names, labels,
# processors and the environment are decided here alone. Threads count as processors but in unit
# tests, where most of the time is one thread's: that of loops to compare with. Whole programs begin
# first, and what is short fills the gaps that they leave.
function(kyrtos_test_entry name ranks threads labels)
  if(Kyrtos_COMPILE_ONLY)
    return()
  endif()
  set(command ${ARGN})
  if(ranks GREATER 1)
    string(APPEND name ".ranks${ranks}")
    list(APPEND labels mpi)
    list(REMOVE_ITEM labels unit)
    list(PREPEND command ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} ${MPIEXEC_PREFLAGS})
  endif()
  add_test(NAME "${name}" COMMAND ${command})
  set(processors ${ranks})
  if(NOT "unit" IN_LIST labels)
    math(EXPR processors "${ranks} * ${threads}")
  endif()
  if("program" IN_LIST labels)
    set_tests_properties("${name}" PROPERTIES COST 100)
  endif()
  if("distinct" IN_LIST labels AND threads GREATER 1) # teams wait long where their threads take turns
    set_tests_properties("${name}" PROPERTIES RUN_SERIAL TRUE)
  endif()
  set_tests_properties(
    "${name}" PROPERTIES LABELS "${labels}" PROCESSORS ${processors} SKIP_RETURN_CODE 77
                         ENVIRONMENT "OMP_NUM_THREADS=${threads};${kyrtos_test_environment}")
  kyrtos_test_timeout("${name}" 120)
endfunction()

# kyrtos_test_timeout(name seconds): ten times as long where sanitizers slow the test down; a
# preset's timeout is only for tests that have none of their own.
function(kyrtos_test_timeout name seconds)
  if(CMAKE_BUILD_TYPE STREQUAL "Sanitize")
    math(EXPR seconds "10 * ${seconds}")
  endif()
  set_tests_properties("${name}" PROPERTIES TIMEOUT ${seconds})
endfunction()

# kyrtos_test_singleton(name): an executable that is one rank ever, and starts no others. Open MPI
# then need not start a daemon nor look for networks, which takes a third of a second; other MPI
# libraries ignore these variables.
function(kyrtos_test_singleton name)
  if(NOT Kyrtos_COMPILE_ONLY)
    set_property(TEST "${name}" APPEND PROPERTY ENVIRONMENT OMPI_MCA_ess_singleton_isolated=1
                 OMPI_MCA_orte_create_session_dirs=0 OMPI_MCA_pml=ob1 OMPI_MCA_btl=self)
  endif()
endfunction()

# kyrtos_long_test(name seconds): one with another timeout, which starts before the others: it waits
# much, and at the end it would wait alone.
function(kyrtos_long_test name seconds)
  kyrtos_test_timeout("${name}" ${seconds})
  set_tests_properties("${name}" PROPERTIES COST ${seconds})
endfunction()

# The tests' own loops are short: what takes time is in the library, which is optimised.
set(kyrtos_test_options $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O1>)

# Where tests find files of the source tree. For machines that share few cores: threads that wait
# spin for 500 turns, then sleep (sleeping at once makes tests of two threads take three times as
# long), and Open MPI runs as root, in a container, with more ranks than cores. Other MPI libraries
# ignore its variables.
set(kyrtos_test_environment
    "KYRTOS_TEST_SOURCES=${CMAKE_CURRENT_SOURCE_DIR}"
    "KYRTOS_TEST_NCCL=$<TARGET_FILE:nccl_stand_in>"
    OMP_PROC_BIND=false
    OMP_WAIT_POLICY=passive
    GOMP_SPINCOUNT=500
    OPENBLAS_NUM_THREADS=1
    OMPI_ALLOW_RUN_AS_ROOT=1
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_hwloc_base_binding_policy=none
    OMPI_MCA_mpi_yield_when_idle=1
    OMPI_MCA_btl_vader_single_copy_mechanism=none)
