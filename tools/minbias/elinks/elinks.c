// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

const char elinks_algorithm_help[] =
    "autoencoder (default), threshold, best_choice, stc4_9, stc4_7, stc16_9, ctc4_7, repeater";

mb_elinks_format elinks_format(const mb_session *session) {
    mb_elinks_format format = MB_ELINKS_FORMAT_INIT;
    format.algorithm = option_text(session, "algorithm", format.algorithm);
    format.n_links = option_count(session, "links", format.n_links);
    format.is_high_density = option_is_given(session, "high-density");
    format.header_bits = option_count(session, "header-bits", format.header_bits);
    format.keep = option_text(session, "keep", NULL);
    format.mapping = option_text(session, "mapping", NULL);
    format.order = option_text(session, "mux", format.order);
    return format;
}

static const mb_command *const tools[] = {
#define TOOL(name) &elinks_##name,
#include "tool_list.h"
#undef TOOL
    NULL};

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{NULL, false, false, NULL}};

const mb_command command_elinks = {.name = "elinks",
    .summary = "the concentrator chip: links, words, emulation, training data",
    .details = "Says how many links modules have, makes training data of charges, emulates the "
               "chip block by block and bit by bit, and turns numbers into words and back.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks emulate charges.csv --encoder qk_6bit.json -n 3 -o chip",
    .tools = tools};
