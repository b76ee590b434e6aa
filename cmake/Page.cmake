# sluice_embed(TARGET FOLDER HEADER FUNCTION TYPE): the files of FOLDER become part of TARGET, so that programs need no data files.
function(sluice_embed target folder header function type)
  set(source ${CMAKE_BINARY_DIR}/generated/${function}.cpp)
  file(GLOB_RECURSE inputs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*)
  list(FILTER inputs EXCLUDE REGEX "\\.(cpp|hpp)$")
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${CMAKE_SOURCE_DIR}/${folder} -DOUTPUT=${source} -DHEADER=${header} -DFUNCTION=${function}
            -DTYPE=${type} -P ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake
    DEPENDS ${inputs} ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake VERBATIM)
  target_sources(${target} PRIVATE ${source})
endfunction()
# clang-tidy has nothing to say about generated arrays, and would say it for minutes; it does not run without any check.
file(WRITE ${CMAKE_BINARY_DIR}/generated/.clang-tidy "Checks: '-*,misc-misplaced-const'\n")

# The demo page and the client modules; that of wrtc-signal; the operator's dashboard; descriptions of the HTTP APIs; what `sluice init` writes.
sluice_embed(control_page control/page control/page/page_files.hpp page_files PageFile)
sluice_embed(control_signaling_wrtcsignal control/signaling/wrtcsignal/demo control/signaling/wrtcsignal/wrtc_demo.hpp wrtc_demo_files WrtcDemoFile)
sluice_embed(control_dashboard control/dashboard control/dashboard/dashboard_files.hpp dashboard_files PageFile)
sluice_embed(control_api control/api/openapi control/api/openapi_files.hpp openapi_files OpenApiFile)
sluice_embed(control_cli control/cli/templates control/cli/template_files.hpp template_files cli::TemplateFile)
