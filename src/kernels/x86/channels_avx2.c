// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/channels.h"
#include "kernels/x86/parts_avx2.h"

#define NAME(x) x##_avx2
#include "kernels/x86/channels.h"

const mb_channel_kernels mb_channel_kernels_avx2 = {
    statistics_avx2, normalize_avx2, d_statistics_avx2, back_avx2};
