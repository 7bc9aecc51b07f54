# What `make install` puts where, by the usual folders of the system.
include(GNUInstallDirs)

install(TARGETS globe RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS globe_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS globe_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/globe.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} OPTIONAL)
install(FILES ${PROJECT_SOURCE_DIR}/include/globe/reward_plugin.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/globe OPTIONAL)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/globe/data OPTIONAL
        PATTERN "*.zst" EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/globe/models OPTIONAL)
# Programs elsewhere that link libglobe find what is installed.
target_compile_definitions(room_base PRIVATE GLOBE_SHARE_DIR="${CMAKE_INSTALL_FULL_DATADIR}/globe")
install(FILES ${PROJECT_SOURCE_DIR}/docs/globe.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
# Documents lie to one another as they do here, so that their links find what they name.
foreach(document LICENSE NOTICE README.md include/globe.h include/globe/reward_plugin.h models/postcards/README.md)
  get_filename_component(folder ${document} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/${document} DESTINATION ${CMAKE_INSTALL_DOCDIR}/${folder} OPTIONAL)
endforeach()
foreach(folder docs examples recipes)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/${folder} OPTIONAL
          PATTERN "globe.1" EXCLUDE)
endforeach()

# globe.pc finds its folder from where it lies, so an installed tree may be moved. The system libraries matter only to
# those who link libglobe.a (pkg-config --static).
file(RELATIVE_PATH PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" PC_PREFIX ${PC_PREFIX})
set(PC_LIBRARIES "")
get_target_property(libraries globe_static INTERFACE_LINK_LIBRARIES)
list(REMOVE_DUPLICATES libraries)
foreach(item ${libraries})
  if(item MATCHES "^PkgConfig::(.+)$")
    foreach(library ${${CMAKE_MATCH_1}_LIBRARIES}) # what we call ourselves: these are shared and know the rest
      list(APPEND PC_LIBRARIES -l${library})
    endforeach()
  elseif(item STREQUAL "DNNL::dnnl")
    list(APPEND PC_LIBRARIES -ldnnl)
  elseif(item STREQUAL "OpenMP::OpenMP_C")
    list(APPEND PC_LIBRARIES ${OpenMP_C_FLAGS})
  elseif(item STREQUAL "Threads::Threads")
    list(APPEND PC_LIBRARIES -pthread)
  elseif(item MATCHES "^[a-z]+$")
    list(APPEND PC_LIBRARIES -l${item})
  endif()
endforeach()
list(REMOVE_DUPLICATES PC_LIBRARIES)
list(JOIN PC_LIBRARIES " " PC_LIBRARIES)
configure_file(${PROJECT_SOURCE_DIR}/cmake/globe.pc.in ${PROJECT_BINARY_DIR}/globe.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/globe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
