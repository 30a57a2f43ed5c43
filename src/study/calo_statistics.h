// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_CALO_STATISTICS_H
#define STUDY_CALO_STATISTICS_H

#include "detector/calo/calo.h"

enum { MB_CALO_ET_VALUES = MB_CALO_MAX_ET + 1, MB_CALO_SHARES = 3 };

// What a region file holds, of its accepted events. ET in counts of 0.5 GeV. Numbers that are no
// counts 0 .. 1023 are counted and left out of everything else.
typedef struct mb_calo_statistics {
    size_t n_events, n_accepted, n_bad;  // n_bad: regions
    size_t n_counts[MB_CALO_N_REGIONS];  // events with a count there
    double sum[MB_CALO_N_REGIONS];       // over these; exact
    uint64_t with_et[MB_CALO_ET_VALUES]; // regions by ET
    double event_sum[MB_CALO_SHARES];    // sum of an event that 5, 50, 95 % of the events reach
    double event_most[MB_CALO_SHARES];   // the same of its largest region
} mb_calo_statistics;
extern const double mb_calo_shares[MB_CALO_SHARES]; // 0.05, 0.5, 0.95

// Reads any region file block by block. Fails as mb_calo_stream_open.
mb_status mb_calo_statistics_read(
    mb_calo_statistics *out, mb_context *ctx, const char *path) MB_MUST_CHECK;
// Of the regions that are counts, the mean; NaN without any.
double mb_calo_mean_et(const mb_calo_statistics *statistics);
// Of the regions that are counts, the share without energy; NaN without any.
double mb_calo_zero_fraction(const mb_calo_statistics *statistics);

#endif
