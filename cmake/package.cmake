# A .deb from a finished build: cpack -G DEB --config build/CPackConfig.cmake. What it has to contain and
# why CPack: docs/decisions.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME vmconvert)
set(CPACK_PACKAGE_VENDOR "vmconvert")
# There is no address yet: whoever packs for others gives one.
set(VMCONVERT_MAINTAINER "vmconvert maintainers <maintainers@vmconvert.invalid>" CACHE STRING "Of the packages")
set(CPACK_PACKAGE_CONTACT ${VMCONVERT_MAINTAINER})
set(CPACK_PACKAGE_HOMEPAGE_URL "")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "convert Xen guests to KVM, proven to boot before a byte is copied")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "Reads a Xen guest's disks where they are (partitions, logical volumes, image
files), patches the guest on an overlay, boots the patched guest on a network
that leads nowhere, copies only what is in use, reads the copy back, rewrites
the domain's description and defines it last. The source is never written to.
.
The headers for fixers of a site, shell completion and examples are included.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/deb/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Programs that are run, from the same list as a developer's machine; of libraries, dpkg-shlibdeps knows more.
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/install-packages --list run
  OUTPUT_VARIABLE programs OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" programs "${programs}")
list(REMOVE_DUPLICATES programs)
list(REMOVE_ITEM programs libguestfs0 libvirt0)
# Any kernel does for the appliance.
list(TRANSFORM programs REPLACE "^linux-image-amd64$" "linux-image-amd64 | linux-image")
list(JOIN programs ", " CPACK_DEBIAN_PACKAGE_DEPENDS)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "bash-completion, man-db, ovmf")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nlohmann-json3-dev, g++")

# What is packed is built by its own target: tests are no part of a package.
get_property(package_fixers DIRECTORY ${PROJECT_SOURCE_DIR}/plugins PROPERTY BUILDSYSTEM_TARGETS)
list(FILTER package_fixers INCLUDE REGEX "^fixer_")
add_custom_target(package_files DEPENDS vmconvert vmconvert-allocation vmconvert_layout made_files ${package_fixers})

set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package-stage.cmake)
include(CPack)

install(FILES packaging/deb/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/vmconvert)
install(FILES packaging/deb/changelog DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/vmconvert RENAME changelog)
# In the folders that they are in here, so that what they link to is there.
install(FILES README.md ARCHITECTURE.md CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/vmconvert)
install(DIRECTORY docs plugins DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/vmconvert
  FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
