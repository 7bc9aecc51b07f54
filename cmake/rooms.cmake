# room(NAME [ROOMS lower...] [LIBS library...] [SOURCES_IN subfolder...])
# One object library per folder of src/, linked only with the rooms it may use.
add_library(globe_flags INTERFACE)
target_include_directories(globe_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(globe_flags INTERFACE _GNU_SOURCE GLOBE_VERSION="${PROJECT_VERSION}")
target_compile_options(globe_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                       -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wvla -fno-math-errno
                       $<$<BOOL:${GLOBE_WERROR}>:-Werror>)
if(GLOBE_SANITIZE)
  target_compile_options(globe_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(globe_flags INTERFACE -fsanitize=address,undefined)
endif()

set(GLOBE_ROOMS "" CACHE INTERNAL "")
function(room name)
  cmake_parse_arguments(arg "" "" "ROOMS;LIBS;SOURCES_IN" ${ARGN})
  set(patterns ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
  foreach(sub ${arg_SOURCES_IN})
    list(APPEND patterns ${PROJECT_SOURCE_DIR}/src/${name}/${sub}/*.c)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  if(NOT sources)
    return()
  endif()
  add_library(room_${name} STATIC ${sources})
  target_link_libraries(room_${name} PUBLIC globe_flags ${arg_LIBS})
  foreach(lower ${arg_ROOMS})
    if(TARGET room_${lower})
      target_link_libraries(room_${name} PUBLIC room_${lower})
    endif()
  endforeach()
  set(GLOBE_ROOMS ${GLOBE_ROOMS} room_${name} CACHE INTERNAL "")
endfunction()

# The kernels of each instruction set; which of them runs is decided at run time (src/tensor/cpu/device_cpu.c).
function(kernel_flags file)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/tensor/cpu/${file} TARGET_DIRECTORY room_tensor
                              PROPERTIES COMPILE_OPTIONS "${ARGN}")
endfunction()
