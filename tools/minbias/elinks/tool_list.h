// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The tools of `minbias elinks` in the order help shows them, one a line: TOOL(name) is the record
// elinks_<name>.
// clang-format off
TOOL(allocate)
TOOL(split)
TOOL(skim)
TOOL(shuffle)
TOOL(emulate)
TOOL(verify)
TOOL(pack)
TOOL(unpack)
TOOL(weights)
// clang-format on
