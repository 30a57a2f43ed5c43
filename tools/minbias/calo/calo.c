// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static const mb_command *const tools[] = {
#define TOOL(name) &calo_##name,
#include "tool_list.h"
#undef TOOL
    NULL};

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{NULL, false, false, NULL}};

const mb_command command_calo = {.name = "calo",
    .summary = "tools for calorimeter regions, link words and their scores",
    .details = "Converts towers and link words to the 18 x 14 regions that the calorimeter "
               "benchmark reads, profiles samples, compares scores as a trigger does, shows what "
               "networks make of events, and brings them into firmware's integers.",
    .options = options,
    .operands = operands,
    .example = "minbias calo profile ZeroBias.h5 TTBar.h5 -o profile",
    .tools = tools};
