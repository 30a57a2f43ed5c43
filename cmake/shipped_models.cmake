# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# Writes files as C arrays of bytes: cmake -DOUT=file.c "-DFILES=a.h5;b.h5" -P shipped_models.cmake
set(arrays "")
set(list "")
set(n 0)
foreach(file ${FILES})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} bytes HEX)
    string(LENGTH "${bytes}" length)
    math(EXPR length "${length} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND arrays "static const unsigned char model_${n}[${length}] = {${bytes}};\n\n")
    string(APPEND list "    {\"${name}\", model_${n}, ${length}},\n")
    math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "#include \"exchange/shipped.h\"\n\n${arrays}const mb_shipped_file mb_shipped_files[] = {\n${list}};\nconst size_t mb_n_shipped_files = ${n};\n")
