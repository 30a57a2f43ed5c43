# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# Writes the texts of the shipped studies as C arrays: cmake -DOUT=file.c -DLIST=texts "-DSTUDIES=a.yaml;b.yaml" -P shipped.cmake
# Bytes, not string literals: C17 promises only 4095 characters for those.
set(arrays "")
set(list "")
set(n 0)
foreach(study ${STUDIES})
    get_filename_component(name ${study} NAME_WE)
    file(READ ${study} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " bytes "${bytes}")
    string(REGEX REPLACE "((0x[0-9a-f][0-9a-f], )(0x[0-9a-f][0-9a-f], )(0x[0-9a-f][0-9a-f], )(0x[0-9a-f][0-9a-f], )(0x[0-9a-f][0-9a-f], )(0x[0-9a-f][0-9a-f], )(0x[0-9a-f][0-9a-f], )(0x[0-9a-f][0-9a-f], ))" "\\1\n    " bytes "${bytes}")
    string(APPEND arrays "static const char text_${n}[] = {\n    ${bytes}0};\n\n")
    # The first line is a comment that says what the study is.
    file(STRINGS ${study} help LIMIT_COUNT 1)
    string(REGEX REPLACE "^# *" "" help "${help}")
    string(REGEX REPLACE "([\\\"])" "\\\\\\1" help "${help}")
    string(APPEND list "    {\"${name}\", text_${n}, \"${help}\"},\n")
    math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "#include \"study/shipped_text.h\"\n\n${arrays}const mb_shipped_text mb_shipped_${LIST}[] = {\n${list}};\nconst size_t mb_n_shipped_${LIST} = ${n};\n")
