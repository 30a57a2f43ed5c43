// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/channels.h"
#include "kernels/x86/parts_avx512.h"

#define NAME(x) x##_avx512
#include "kernels/x86/channels.h"

const mb_channel_kernels mb_channel_kernels_avx512 = {
    statistics_avx512, normalize_avx512, d_statistics_avx512, back_avx512};
