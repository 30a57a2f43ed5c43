// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static const mb_command *const tools[] = {
#define TOOL(name) &econt_##name,
#include "tool_list.h"
#undef TOOL
    NULL};

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{NULL, false, false, NULL}};

const mb_command command_econt = {.name = "econt",
    .summary = "the concentrator's autoencoder by its original command lines",
    .details = "Trains and judges autoencoders of a module's 48 charges as the original's scripts "
               "do, with their options; each call becomes a study that is stored in its run.",
    .options = options,
    .operands = operands,
    .example = "minbias econt train -i nElinks_5/ -o run --models 8x8_c8_S2_tele",
    .tools = tools};
