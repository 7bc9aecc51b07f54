# One translation unit that includes every public header: what a room shows fits together and is complete.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/src/*.h)
list(FILTER headers EXCLUDE REGEX "_internal\\.h$|_body\\.h$|tensor/cpu/|cli/options_table\\.h$") # included in a place of their own
set(lines "#include \"globe.h\"\n")
foreach(header ${headers})
  string(APPEND lines "#include \"${header}\"\n")
endforeach()
string(APPEND lines "typedef int all_headers_fit;\n")
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/all_headers.c CONTENT "${lines}" @ONLY)
add_library(all_headers OBJECT ${PROJECT_BINARY_DIR}/all_headers.c)
target_link_libraries(all_headers PRIVATE ${GLOBE_ROOMS})
