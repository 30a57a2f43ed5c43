// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The tools of `minbias econt` in the order help shows them, one a line: TOOL(name) is the record
// econt_<name>.
// clang-format off
TOOL(train)
TOOL(train_emd)
TOOL(flops)
TOOL(to_graph)
TOOL(telescope)
TOOL(models)
// clang-format on
