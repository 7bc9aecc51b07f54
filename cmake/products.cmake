# What is built from the rooms: the program, the library in two forms, the examples.

# ---- globe: src/cli over all rooms. All but main() is a library, so that tests can link it. ----
file(GLOB cli_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c)
list(REMOVE_ITEM cli_sources ${PROJECT_SOURCE_DIR}/src/cli/main.c)
if(NOT GLOBE_HAS_TRAIN)
  list(FILTER cli_sources EXCLUDE REGEX "/cli/(train|bench_grpo)\\.c$")
endif()
if(NOT GLOBE_HAS_POSTCARDS)
  list(FILTER cli_sources EXCLUDE REGEX "/cli/postcards\\.c$")
endif()
add_library(cli STATIC ${cli_sources})
target_link_libraries(cli PUBLIC ${GLOBE_ROOMS})
set(build_words "${CMAKE_BUILD_TYPE}")
if(GLOBE_SANITIZE)
  string(APPEND build_words " with sanitizers")
endif()
foreach(part VIPS TRAIN MPI POSTCARDS)
  if(NOT GLOBE_HAS_${part})
    string(TOLOWER ${part} part)
    string(APPEND build_words ", without ${part}")
  endif()
endforeach()
target_compile_definitions(cli PRIVATE GLOBE_BUILD="${build_words}" $<$<BOOL:${GLOBE_HAS_TRAIN}>:GLOBE_HAS_TRAIN>
                           $<$<BOOL:${GLOBE_HAS_POSTCARDS}>:GLOBE_HAS_POSTCARDS>)
add_executable(globe src/cli/main.c)
target_link_libraries(globe PRIVATE cli)

# ---- libglobe: the objects of all rooms. include/globe.h is all that it exports. ----
set(room_objects "")
foreach(room_target ${GLOBE_ROOMS})
  list(APPEND room_objects $<TARGET_OBJECTS:${room_target}>)
endforeach()

# The exports list hides everything but globe_*; objects are taken whole, so nothing is missing.
add_library(globe_shared SHARED ${room_objects})
set_target_properties(globe_shared PROPERTIES OUTPUT_NAME globe LINKER_LANGUAGE C VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/libglobe.map)
target_link_options(globe_shared PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/libglobe.map)

# The archive holds one object whose hidden names were made local: error_set() or buffer_add() of ours cannot meet
# functions of the same name in the program that links it.
find_program(OBJCOPY NAMES ${CMAKE_OBJCOPY} objcopy REQUIRED)
set(whole ${PROJECT_BINARY_DIR}/libglobe.o)
add_custom_command(
  OUTPUT ${whole}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${whole} ${room_objects}
  COMMAND ${OBJCOPY} --wildcard --keep-global-symbol=globe_* ${whole}
  DEPENDS ${room_objects} ${GLOBE_ROOMS}
  COMMAND_EXPAND_LISTS VERBATIM)
add_library(globe_static STATIC ${whole})
set_source_files_properties(${whole} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
set_target_properties(globe_static PROPERTIES OUTPUT_NAME globe LINKER_LANGUAGE C)

# What the rooms need, needs the library too; nothing of it is in the public header.
foreach(room_target ${GLOBE_ROOMS})
  get_target_property(room_libraries ${room_target} LINK_LIBRARIES)
  foreach(item ${room_libraries})
    if(NOT item MATCHES "^room_|^globe_flags$")
      target_link_libraries(globe_shared PRIVATE ${item})
      target_link_libraries(globe_static INTERFACE ${item})
    endif()
  endforeach()
endforeach()
foreach(library globe_shared globe_static)
  target_include_directories(${library} INTERFACE ${PROJECT_SOURCE_DIR}/include)
endforeach()
if(GLOBE_SANITIZE)
  target_link_options(globe_shared PRIVATE -fsanitize=address,undefined)
  target_link_options(globe_static INTERFACE -fsanitize=address,undefined)
endif()

# ---- The example of the public interface, built as its readers would ----
if(EXISTS ${PROJECT_SOURCE_DIR}/examples/locate.c)
  add_executable(example_locate examples/locate.c)
  target_link_libraries(example_locate PRIVATE globe_shared)
  if(GLOBE_SANITIZE) # the runtime has to be there before the library asks for it
    target_link_options(example_locate PRIVATE -fsanitize=address,undefined)
  endif()
endif()
