# schemas/*.fbs -> build/include/schemas/schemas/NAME_generated.h
find_program(SLUICE_FLATC flatc REQUIRED)
file(GLOB schemas CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schemas/*.fbs)
set(out ${CMAKE_BINARY_DIR}/include/schemas/schemas)
set(generated)
foreach(schema ${schemas})
  cmake_path(GET schema STEM stem)
  add_custom_command(
    OUTPUT ${out}/${stem}_generated.h
    COMMAND ${SLUICE_FLATC} --cpp --scoped-enums --gen-mutable -o ${out} ${schema}
    DEPENDS ${schemas} VERBATIM)
  list(APPEND generated ${out}/${stem}_generated.h)
endforeach()
add_custom_target(schemas_generate DEPENDS ${generated})
add_library(schemas INTERFACE)
add_dependencies(schemas schemas_generate)
target_include_directories(schemas SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/include/schemas)
