// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The tools of `minbias calo` in the order help shows them, one a line: TOOL(name) is the record
// calo_<name>.
// clang-format off
TOOL(towers_to_regions)
TOOL(link_decode)
TOOL(link_encode)
TOOL(profile)
TOOL(acceptance)
TOOL(rate_curve)
TOOL(roc_folds)
TOOL(overlap)
TOOL(reconstruct)
TOOL(equivariance)
TOOL(phi_roll)
TOOL(saliency)
TOOL(firmware_export)
TOOL(firmware_check)
TOOL(precision_tuner)
// clang-format on
