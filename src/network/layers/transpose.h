// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_TRANSPOSE_H
#define NETWORK_LAYERS_TRANSPOSE_H

#include "network/layer.h"

// The plan's own step between written and channels-last storage: to_last moves the first axis of a
// row to the end, else the last to the front.
void mb_transpose_plan(mb_plan_site *site, bool to_last);

#endif
