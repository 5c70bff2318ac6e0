# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# What sanitizers and fuzzing ask of the build.

# kyrtos_keep_libraries(target): the program unloads no library, so that suppressions find them all.
function(kyrtos_keep_libraries target)
  if(CMAKE_BUILD_TYPE STREQUAL "Sanitize")
    target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/sanitizers/keep_libraries.c")
    target_link_options(${target} PRIVATE "LINKER:--export-dynamic-symbol=dlclose")
  endif()
endfunction()

# Fuzzing: everything built here reports which of its branches it took.
if(Kyrtos_ENABLE_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "Kyrtos_ENABLE_FUZZERS needs Clang, which has libFuzzer: "
                        "cmake --preset fuzz, or -DCMAKE_CXX_COMPILER=clang++")
  endif()
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>")
endif()
