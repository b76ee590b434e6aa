# libsluice.so: the module control/embedding for programs outside this tree. It carries what it uses of the server inside and
# shows nothing but the classes of its public headers (SLUICE_API), so its names cannot meet those of a program.
target_include_directories(control_embedding PUBLIC ${CMAKE_SOURCE_DIR}/control/embedding/include)
set_target_properties(control_embedding PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

add_library(sluice_embedding SHARED $<TARGET_OBJECTS:control_embedding>)
set_target_properties(sluice_embedding PROPERTIES OUTPUT_NAME sluice VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      LINKER_LANGUAGE CXX EXPORT_NAME sluice LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
get_target_property(uses control_embedding LINK_LIBRARIES)
target_link_libraries(sluice_embedding PRIVATE ${uses})
target_link_options(sluice_embedding PRIVATE -Wl,--exclude-libs,ALL -Wl,--as-needed)
target_include_directories(sluice_embedding INTERFACE $<INSTALL_INTERFACE:include>)
target_compile_features(sluice_embedding INTERFACE cxx_std_20)
target_link_libraries(sluice_embedding INTERFACE $<INSTALL_INTERFACE:nlohmann_json::nlohmann_json>)

# Installed with `cmake --install`: find_package(Sluice) and pkg-config sluice.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS sluice_embedding EXPORT sluice-targets LIBRARY DESTINATION lib)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/control/embedding/include/sluice DESTINATION include FILES_MATCHING PATTERN "*.hpp")
install(EXPORT sluice-targets NAMESPACE Sluice:: DESTINATION lib/cmake/Sluice FILE SluiceTargets.cmake)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/SluiceConfig.cmake @ONLY CONTENT [[
include(CMakeFindDependencyMacro)
find_dependency(nlohmann_json)
include("${CMAKE_CURRENT_LIST_DIR}/SluiceTargets.cmake")
]])
write_basic_package_version_file(${CMAKE_BINARY_DIR}/SluiceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/SluiceConfig.cmake ${CMAKE_BINARY_DIR}/SluiceConfigVersion.cmake DESTINATION lib/cmake/Sluice)
# Relative to the file itself, because --prefix decides where it lies.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/sluice.pc @ONLY CONTENT [[
prefix=${pcfiledir}/../..
Name: sluice
Description: @PROJECT_DESCRIPTION@: the library for operators' programs
Version: @PROJECT_VERSION@
Requires: nlohmann_json
Libs: -L${prefix}/lib -lsluice
Cflags: -I${prefix}/include -std=c++20
]])
install(FILES ${CMAKE_BINARY_DIR}/sluice.pc DESTINATION lib/pkgconfig)
