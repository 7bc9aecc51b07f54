# Everything comes from the distribution's packages; tools/packages-run.txt lists them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PROJ REQUIRED IMPORTED_TARGET proj) # only its geodesic.h
pkg_check_modules(VIPS REQUIRED IMPORTED_TARGET vips)
pkg_check_modules(PANGOCAIRO REQUIRED IMPORTED_TARGET pangocairo)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(CYAML REQUIRED IMPORTED_TARGET libcyaml) # recipes
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)   # the lines of mistakes in them
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive) # tar shards
pkg_check_modules(MPI REQUIRED IMPORTED_TARGET ompi-c) # data-parallel ranks

# oneDNN, API 2.x or 3.x. Debian's own CMake package asks for OpenCL headers that we do not need, so look for it here.
find_path(DNNL_INCLUDE oneapi/dnnl/dnnl.h REQUIRED)
find_library(DNNL_LIBRARY dnnl REQUIRED)
add_library(DNNL::dnnl UNKNOWN IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION ${DNNL_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${DNNL_INCLUDE})
