# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Target `docs`: the reference of all public headers and the pages, as HTML in build/<preset>/docs.

find_package(Doxygen)
set_package_properties(Doxygen PROPERTIES TYPE OPTIONAL PURPOSE "the reference, target docs")
set(kyrtos_docs_dir "${PROJECT_BINARY_DIR}/docs")
configure_file("${PROJECT_SOURCE_DIR}/cmake/Doxyfile.in" "${kyrtos_docs_dir}/Doxyfile" @ONLY)
if(DOXYGEN_FOUND)
  add_custom_target(docs COMMAND Doxygen::doxygen "${kyrtos_docs_dir}/Doxyfile"
                    COMMENT "Reference and pages: ${kyrtos_docs_dir}/html/index.html" VERBATIM)
endif()
