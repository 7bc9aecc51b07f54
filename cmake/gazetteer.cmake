# The gazetteer is kept compressed in data/ and unpacked where the programs of the build folder look for it.
find_program(ZSTD zstd REQUIRED)
set(gazetteer_packed ${PROJECT_SOURCE_DIR}/data/gazetteer.sqlite.zst)
set(gazetteer ${PROJECT_BINARY_DIR}/data/gazetteer.sqlite)
if(EXISTS ${gazetteer_packed})
  add_custom_command(OUTPUT ${gazetteer}
                     COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/data
                     COMMAND ${ZSTD} -q -d -f ${gazetteer_packed} -o ${gazetteer}.tmp
                     COMMAND ${CMAKE_COMMAND} -E rename ${gazetteer}.tmp ${gazetteer}
                     DEPENDS ${gazetteer_packed} COMMENT "Unpacking the gazetteer" VERBATIM)
  add_custom_target(gazetteer_data ALL DEPENDS ${gazetteer})
  add_dependencies(room_geo gazetteer_data) # so that whoever uses the room, a single test for one, finds it
  install(FILES ${gazetteer} DESTINATION ${CMAKE_INSTALL_DATADIR}/globe/data)
endif()
