// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/scan_mark.h"

void mb_barrel_scan_mark_avx2(mb_barrel_scan *scan, const char *text, size_t n) {
    mark(scan, text, n);
}
