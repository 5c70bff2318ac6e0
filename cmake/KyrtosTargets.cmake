# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# What all targets of our own code share; dependencies and users are left alone.

set(kyrtos_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                    -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align)

# GCC 12 may copy a constant of 32 bytes whose second half is zero, {a, a, 0, 0}, as {a, a, a, a}
# where the CPU has AVX-512; in pieces of 16 bytes it copies rightly. tests/core/compiler.hpp.
set(kyrtos_workarounds "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT kyrtos_device STREQUAL "CUDA"
   AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12
   AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  set(kyrtos_workarounds -mmove-max=128 -mstore-max=128)
endif()

# For nvcc: fmt before 10 takes it for a compiler without constexpr functions, which it needs in
# C++20; and of toml++ it can't translate a lambda in for_each(), which is not used here.
set(kyrtos_definitions "")
if(kyrtos_device STREQUAL "CUDA")
  set(kyrtos_definitions TOML_RETURN_BOOL_FROM_FOR_EACH_BROKEN=1)
  if(fmt_VERSION AND fmt_VERSION VERSION_LESS 10)
    list(APPEND kyrtos_definitions FMT_USE_CONSTEXPR=1)
  endif()
endif()

# kyrtos_own_code(target): our warnings, as errors where asked for.
function(kyrtos_own_code target)
  if(kyrtos_device STREQUAL "CUDA")
    set(warnings -Wall -Wextra) # nvcc's own generated code trips over the stricter ones
  else()
    set(warnings ${kyrtos_warnings})
  endif()
  # libstdc++'s own stable_sort calls a function that it deprecates, and clang says so where our code
  # needs the template. Builds by GCC watch over deprecated names.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    list(APPEND warnings -Wno-deprecated-declarations)
  endif()
  if(Kyrtos_WARNINGS_AS_ERRORS)
    list(APPEND warnings -Werror)
  endif()
  # Where CMake puts several sources into one (CMAKE_UNITY_BUILD), names of one file hide those of
  # another, and GCC 12 takes each file for a header, whose unnamed namespaces it warns of, and sees
  # dangling pointers where std::set is inlined twice. Builds of single files have these warnings.
  get_target_property(joined ${target} UNITY_BUILD)
  if(joined AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND warnings -Wno-shadow -Wno-subobject-linkage -Wno-dangling-pointer)
  endif()
  target_compile_definitions(${target} PRIVATE ${kyrtos_definitions})
  target_compile_options(
    ${target} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang>:${warnings}>"
                      "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:${kyrtos_workarounds}>"
                      "$<$<COMPILE_LANG_AND_ID:C,GNU,Clang>:-Wall;-Wextra;-Wpedantic>"
                      "$<$<COMPILE_LANG_AND_ID:Fortran,GNU>:-std=f2008;-Wall;-Wextra>")
endfunction()

# kyrtos_precompile(target headers…): parses what nearly all of its sources include once: Kokkos, MPI,
# the standard library and `headers`. kyrtos_precompile_as(target other) takes another target's, which
# must be compiled in the same way. Not for nvcc, which does not know them.
option(Kyrtos_PRECOMPILE_HEADERS "Parse Kokkos' headers once a target: a build takes half as long" ON)
if(kyrtos_device STREQUAL "CUDA")
  set(Kyrtos_PRECOMPILE_HEADERS OFF)
endif()
function(kyrtos_precompile target)
  if(Kyrtos_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} PRIVATE <Kokkos_Core.hpp> <mpi.h> <algorithm> <map>
                              <optional> <span> ${ARGN})
  endif()
endfunction()
function(kyrtos_precompile_as target other)
  if(Kyrtos_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} REUSE_FROM ${other})
  endif()
endfunction()

# kyrtos_add_library(target [STATIC] sources…) and kyrtos_add_executable(target sources…): the same
# as without the prefix, or only the objects.
function(kyrtos_add_library target)
  if(Kyrtos_COMPILE_ONLY)
    list(REMOVE_ITEM ARGN STATIC)
    list(PREPEND ARGN OBJECT)
  endif()
  add_library(${target} ${ARGN})
endfunction()
function(kyrtos_add_executable target)
  if(Kyrtos_COMPILE_ONLY)
    add_library(${target} OBJECT ${ARGN})
  else()
    add_executable(${target} ${ARGN})
    kyrtos_keep_libraries(${target})
  endif()
endfunction()

# kyrtos_add_program(target sources…): an executable over the library and what its main() needs.
function(kyrtos_add_program target)
  kyrtos_add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE Kyrtos::kyrtos)
  kyrtos_own_code(${target})
endfunction()
