# The demo page and the client modules, embedded into control_page so that the server is one binary without data files.
set(page_source ${CMAKE_BINARY_DIR}/generated/page_files.cpp)
file(GLOB_RECURSE page_inputs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/control/page/*.html ${CMAKE_SOURCE_DIR}/control/page/*.css
     ${CMAKE_SOURCE_DIR}/control/page/*.js ${CMAKE_SOURCE_DIR}/control/page/*.svg)
add_custom_command(
  OUTPUT ${page_source}
  COMMAND ${CMAKE_COMMAND} -DFOLDER=${CMAKE_SOURCE_DIR}/control/page -DOUTPUT=${page_source} -P ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake
  DEPENDS ${page_inputs} ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake VERBATIM)
# clang-tidy has nothing to say about generated arrays, and would say it for minutes; it does not run without any check.
file(WRITE ${CMAKE_BINARY_DIR}/generated/.clang-tidy "Checks: '-*,misc-misplaced-const'\n")
target_sources(control_page PRIVATE ${page_source})
