# cmake --install, and the Debian package (cpack -G DEB). The programs lie together, because sluice looks for the others beside
# itself; /usr/bin/sluice is a link.
# What is installed was built by ./tools/build; cpack must not build tests first.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)
install(TARGETS sluice sluice-keeper sluice-control sluice-worker sluice-handshaker sluice-load RUNTIME DESTINATION lib/sluice)
install(CODE "
  file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin\")
  file(CREATE_LINK ../lib/sluice/sluice \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/bin/sluice\" SYMBOLIC)")
install(FILES ${CMAKE_SOURCE_DIR}/packaging/sluice.service DESTINATION lib/systemd/system)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/90-sluice.conf DESTINATION lib/sysctl.d)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/sluice.yaml DESTINATION share/sluice)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/sluice)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION share/doc/sluice/docs FILES_MATCHING PATTERN "*.md")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Sluice <sluice@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# A plugin that libwebsockets opens by name, which shlibdeps cannot see.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS coturn)
set(CPACK_DEBIAN_PACKAGE_PREDEPENDS "")
string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", libwebsockets-evlib-uv")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst ${CMAKE_SOURCE_DIR}/packaging/debian/prerm
    ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
