# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# Readers of protocol buffers are made from src/files/proto while building; their warnings are the generator's.
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
find_program(PROTOC_C protoc-c)
if(NOT PROTOC_C)
    message(FATAL_ERROR "protoc-c is missing: it makes the readers of protocol buffers; install the package protobuf-c-compiler")
endif()

set(MB_PROTO_FROM ${CMAKE_SOURCE_DIR}/src/files/proto)
set(MB_PROTO_TO ${CMAKE_BINARY_DIR}/proto)
file(MAKE_DIRECTORY ${MB_PROTO_TO})
foreach(proto checkpoint frozen_graph saved_model)
    set(made ${MB_PROTO_TO}/${proto}.pb-c.c ${MB_PROTO_TO}/${proto}.pb-c.h)
    add_custom_command(OUTPUT ${made}
        COMMAND ${PROTOC_C} --proto_path=${MB_PROTO_FROM} --c_out=${MB_PROTO_TO} ${proto}.proto
        DEPENDS ${MB_PROTO_FROM}/${proto}.proto VERBATIM)
    set_source_files_properties(${MB_PROTO_TO}/${proto}.pb-c.c PROPERTIES COMPILE_OPTIONS -w)
    target_sources(mb_objects PRIVATE ${made})
endforeach()
target_include_directories(mb_objects SYSTEM PRIVATE ${MB_PROTO_TO})
target_link_libraries(mb_objects PUBLIC PkgConfig::PROTOBUF_C)
