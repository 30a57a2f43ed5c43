// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The same source must be a C++ program too.
#include "consumer.c"
