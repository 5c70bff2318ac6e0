# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# kyrtos.pc, for C and Fortran programs without CMake: what the C interface needs at compile time,
# and all that a static library leaves to the program to link. C++ programs compile Kokkos' headers,
# whose flags only CMake knows.

# Appends what linking `item` takes to the list `result`: files as paths, everything below targets.
function(kyrtos_collect_libraries item result)
  string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" item "${item}")
  set(found ${${result}})
  if(TARGET "${item}")
    get_target_property(type ${item} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY" AND NOT item STREQUAL "kyrtos" AND NOT item MATCHES "^kyrtos_")
      list(APPEND found "$<TARGET_LINKER_FILE:${item}>")
    endif()
    get_target_property(below ${item} INTERFACE_LINK_LIBRARIES)
    foreach(one IN LISTS below)
      if(one)
        kyrtos_collect_libraries("${one}" found)
      endif()
    endforeach()
    get_target_property(options ${item} INTERFACE_LINK_OPTIONS)
    if(options)
      string(REGEX REPLACE "\\$<\\$<LINK_LANGUAGE:CXX>:([^>]*)>" "\\1" options "${options}")
      list(FILTER options EXCLUDE REGEX "^\\$<|DEPENDENCE$|^-m")
      list(APPEND found ${options})
    endif()
  elseif(item MATCHES "^[/-]")
    list(APPEND found "${item}")
  elseif(NOT item MATCHES "^\\$<|::")
    list(APPEND found "-l${item}")
  endif()
  # Of two places the last counts: static libraries stand before what they use.
  list(REVERSE found)
  list(REMOVE_DUPLICATES found)
  list(REVERSE found)
  set(${result} ${found} PARENT_SCOPE)
endfunction()

set(kyrtos_libraries "")
if(kyrtos_is_static)
  kyrtos_collect_libraries(kyrtos kyrtos_libraries)
  list(PREPEND kyrtos_libraries -lkyrtos_model -lkyrtos_curvature)
  list(APPEND kyrtos_libraries -lstdc++ -lm)
endif()
list(TRANSFORM kyrtos_libraries REPLACE " " "\\\\ ")
list(JOIN kyrtos_libraries " " kyrtos_libraries)

configure_file("${PROJECT_SOURCE_DIR}/cmake/kyrtos.pc.in" "${PROJECT_BINARY_DIR}/kyrtos.pc.in" @ONLY)
file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/kyrtos.pc" INPUT "${PROJECT_BINARY_DIR}/kyrtos.pc.in")
install(FILES "${PROJECT_BINARY_DIR}/kyrtos.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
