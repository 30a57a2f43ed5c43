# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where. Everything finds its neighbours from its own place, so the tree may be moved.
include(CMakePackageConfigHelpers)

install(TARGETS minbias_static minbias_shared
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/minbias DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/studies DESTINATION ${CMAKE_INSTALL_DATADIR}/minbias FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/share/econt DESTINATION ${CMAKE_INSTALL_DATADIR}/minbias)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

file(RELATIVE_PATH MB_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
# For `pkg-config --static`: our library static, those below as they come. Naming their modules instead would ask for the
# static parts of all that these were built with.
set(MB_PC_PRIVATE ${HDF5_LDFLAGS} ${YAML_LDFLAGS} ${JANSSON_LDFLAGS} ${LIBZIP_LDFLAGS} ${ZLIB_LDFLAGS} ${PROTOBUF_C_LDFLAGS})
list(REMOVE_DUPLICATES MB_PC_PRIVATE)
list(JOIN MB_PC_PRIVATE " " MB_PC_PRIVATE)
configure_file(${CMAKE_CURRENT_LIST_DIR}/minbias.pc.in ${CMAKE_BINARY_DIR}/minbias.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/minbias.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(MB_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/minbias)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/minbiasConfig.cmake.in ${CMAKE_BINARY_DIR}/minbiasConfig.cmake
    INSTALL_DESTINATION ${MB_PACKAGE_DIR} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
# Until 1.0 a minor version may change the interface.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/minbiasConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/minbiasConfig.cmake ${CMAKE_BINARY_DIR}/minbiasConfigVersion.cmake
    DESTINATION ${MB_PACKAGE_DIR})

# The program, and what it says about itself: the man page and the completion come from its command tables.
if(TARGET minbias)
    install(TARGETS minbias RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    if(NOT CMAKE_CROSSCOMPILING)
        set(said ${CMAKE_BINARY_DIR}/minbias.1 ${CMAKE_BINARY_DIR}/minbias.bash ${CMAKE_BINARY_DIR}/_minbias)
        add_custom_command(OUTPUT ${said}
            COMMAND minbias help --man > ${CMAKE_BINARY_DIR}/minbias.1
            COMMAND minbias help --completion bash > ${CMAKE_BINARY_DIR}/minbias.bash
            COMMAND minbias help --completion zsh > ${CMAKE_BINARY_DIR}/_minbias
            DEPENDS minbias VERBATIM)
        add_custom_target(mb_said ALL DEPENDS ${said})
        install(FILES ${CMAKE_BINARY_DIR}/minbias.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
        install(FILES ${CMAKE_BINARY_DIR}/minbias.bash RENAME minbias
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
        install(FILES ${CMAKE_BINARY_DIR}/_minbias DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
    endif()
endif()
