// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TOOLS_MINBIAS_CALO_TOOLS_H
#define TOOLS_MINBIAS_CALO_TOOLS_H

#include "command.h"

#include "minbias/calo.h"

#define TOOL(name) extern const mb_command calo_##name;
#include "tool_list.h"
#undef TOOL

#endif
