# cmake --install, and the Debian package (cpack -G DEB). The programs lie together, because sluice looks for the others beside
# itself; /usr/bin/sluice is a link.
include(GNUInstallDirs)
# Nothing but what is installed has to be built first: no tests.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)
set(installed sluice sluice-keeper sluice-control sluice-worker sluice-handshaker sluice-load)
install(TARGETS ${installed} RUNTIME DESTINATION lib/sluice)
install(CODE "
  file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin\")
  file(CREATE_LINK ../lib/sluice/sluice \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin/sluice\" SYMBOLIC)")
install(FILES ${CMAKE_SOURCE_DIR}/packaging/sluice.service DESTINATION lib/systemd/system)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/90-sluice.conf DESTINATION lib/sysctl.d)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/sluice.yaml DESTINATION share/sluice)
install(FILES ${CMAKE_SOURCE_DIR}/README.md DESTINATION share/doc/sluice)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/sluice RENAME copyright)  # where Debian looks for it
install(FILES ${CMAKE_SOURCE_DIR}/packaging/Containerfile ${CMAKE_SOURCE_DIR}/packaging/seccomp.json DESTINATION share/doc/sluice/packaging)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION share/doc/sluice/docs FILES_MATCHING PATTERN "*.md")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Sluice <sluice@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
# A folder of its own, which is the context of packaging/Containerfile.
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# One of one's own, or none: not a server that listens because this one was installed.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS coturn)
# A plugin that libwebsockets opens by name, which shlibdeps cannot see.
string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", libwebsockets-evlib-uv")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst ${CMAKE_SOURCE_DIR}/packaging/debian/prerm
    ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
# The package of what is up to date: cmake --build build/release --target deb.
add_custom_target(deb COMMAND ${CMAKE_CPACK_COMMAND} -G DEB WORKING_DIRECTORY ${CMAKE_BINARY_DIR} USES_TERMINAL)
add_dependencies(deb ${installed})
