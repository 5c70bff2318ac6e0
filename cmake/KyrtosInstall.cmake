# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Install and export rules, as long as every dependency is an installed package itself. Nothing
# that is installed names the prefix: it may be moved.

get_property(fetched GLOBAL PROPERTY KYRTOS_FETCHED)
if(fetched)
  list(JOIN fetched ", " fetched)
  message(STATUS "No install rules: ${fetched} came by FetchContent. To install Kyrtos, "
                 "install those first.")
  return()
endif()

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Kyrtos")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/kyrtos" "${PROJECT_BINARY_DIR}/include/kyrtos"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS kyrtos_curvature EXPORT KyrtosCurvatureTargets)
install(EXPORT KyrtosCurvatureTargets NAMESPACE Kyrtos:: DESTINATION "${package_dir}")
if(TARGET kyrtos)
  install(TARGETS kyrtos_model kyrtos kyrtos_c EXPORT KyrtosTargets)
  install(EXPORT KyrtosTargets NAMESPACE Kyrtos:: DESTINATION "${package_dir}")
endif()
if(TARGET kyrtos_fortran)
  install(TARGETS kyrtos_fortran EXPORT KyrtosFortranTargets)
  install(EXPORT KyrtosFortranTargets NAMESPACE Kyrtos:: DESTINATION "${package_dir}")
  install(DIRECTORY "${PROJECT_BINARY_DIR}/src/fortran/modules/"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/kyrtos/fortran" FILES_MATCHING PATTERN "*.mod")
endif()
if(TARGET kyrtos_program)
  install(TARGETS kyrtos_program)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/apps/kyrtos/" DESTINATION
          "${CMAKE_INSTALL_DATADIR}/kyrtos/python" FILES_MATCHING PATTERN "*.py")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/apps/devices"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/kyrtos")
endif()

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/KyrtosConfig.cmake.in" "${PROJECT_BINARY_DIR}/KyrtosConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/KyrtosConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/KyrtosConfig.cmake"
              "${PROJECT_BINARY_DIR}/KyrtosConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/KyrtosHDF5.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindDNNL.cmake" DESTINATION "${package_dir}")

if(TARGET kyrtos)
  include(KyrtosPkgConfig)
endif()
