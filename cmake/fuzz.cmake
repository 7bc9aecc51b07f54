# libFuzzer programs: tests/fuzz/fuzz_NAME.c, linked with all rooms. Configure with clang, -DGLOBE_FUZZ=ON and
# -DGLOBE_SANITIZE=ON (`make fuzz` does); tools/fuzz.sh runs them.
if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "GLOBE_FUZZ needs clang: libFuzzer comes with it (-DCMAKE_C_COMPILER=clang)")
endif()
target_compile_options(globe_flags INTERFACE -fsanitize=fuzzer-no-link) # coverage in the rooms as well

file(GLOB fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
add_custom_target(fuzzers)
foreach(source ${fuzz_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes) # libFuzzer declares its
                                                                                            # entry point nowhere
  target_link_libraries(${name} PRIVATE ${GLOBE_ROOMS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
endforeach()
