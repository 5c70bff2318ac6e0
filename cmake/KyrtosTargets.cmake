# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# What all targets of our own code share; dependencies and users are left alone.

set(kyrtos_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                    -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align)

# kyrtos_own_code(target): our warnings, as errors where asked for.
function(kyrtos_own_code target)
  if("CUDA" IN_LIST Kokkos_DEVICES)
    set(warnings -Wall -Wextra) # nvcc's own generated code trips over the stricter ones
  else()
    set(warnings ${kyrtos_warnings})
  endif()
  if(Kyrtos_WARNINGS_AS_ERRORS)
    list(APPEND warnings -Werror)
  endif()
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang>:${warnings}>")
endfunction()

# kyrtos_add_program(target sources…): an executable over the library and what its main() needs.
function(kyrtos_add_program target)
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE Kyrtos::kyrtos)
  kyrtos_own_code(${target})
endfunction()
