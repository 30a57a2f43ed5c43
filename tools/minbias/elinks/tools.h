// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TOOLS_MINBIAS_ELINKS_TOOLS_H
#define TOOLS_MINBIAS_ELINKS_TOOLS_H

#include "command.h"

#include "minbias/elinks.h"

#define TOOL(name) extern const mb_command elinks_##name;
#include "tool_list.h"
#undef TOOL

// Options of frames, for a tool's table, and what they say.
#define ELINKS_FORMAT_OPTIONS                                                                      \
    {"algorithm", 'a', OPTION_TEXT, "NAME", elinks_algorithm_help},                                \
        {"links", 'n', OPTION_COUNT, "N", "links of 32 bits, 1 .. 13 (default 5)"},                \
        {"high-density", 0, OPTION_FLAG, NULL,                                                     \
            "an HD module: codes of charges leave out 3 bits, else 1"},                            \
        {"header-bits", 0, OPTION_COUNT, "N",                                                      \
            "crossing counter of the autoencoder's frames: 5 (default) or 4"},                     \
        {"keep", 0, OPTION_TEXT, "HEX",                                                            \
            "the bits of outputs that are sent: 36 hexadecimal digits, output 15 first"},          \
        {"mapping", 0, OPTION_TEXT, "FILE",                                                        \
            "table of cells: TC_Number, ECON_TC_Number_PostMux, ECON_TC_Number_PreMux"},           \
    {                                                                                              \
        "mux", 0, OPTION_TEXT, "ORDER",                                                            \
            "with --mapping: post (default), cells in the chip's order, or ae, as charges are "    \
            "numbered"                                                                             \
    }
extern const char elinks_algorithm_help[];
mb_elinks_format elinks_format(const mb_session *session);

#endif
