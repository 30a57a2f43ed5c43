// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TOOLS_MINBIAS_ECONT_TOOLS_H
#define TOOLS_MINBIAS_ECONT_TOOLS_H

#include "command.h"

#include "minbias/econt.h"

#define TOOL(name) extern const mb_command econt_##name;
#include "tool_list.h"
#undef TOOL

#endif
