// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_SETTINGS_H
#define DETECTOR_CONCENTRATOR_SETTINGS_H

#include "detector/concentrator/concentrator.h"

enum { MB_CALQ_HEADER_AUTO, MB_CALQ_HEADER_TRUE, MB_CALQ_HEADER_FALSE };
enum { MB_CALQ_ON_BAD_ERROR, MB_CALQ_ON_BAD_DROP, MB_CALQ_ON_BAD_CLIP };

typedef struct mb_calq_settings {
    mb_texts files;
    size_t elinks;
    int header, normalise, on_bad;
    size_t rows_per_file;
    int64_t max_rows, max_val; // -1: none
    const char *arrange;
    bool double_rows, mask_partials, mask_energies, occ_reweight, override_input, save_energy;
    size_t clone_copies, clone_low, clone_high;
    // Worked out:
    bool loses_first_line; // compat header_line
    const mb_arrangement *arrangement;
    bool is_ae_order; // of the file's charges
} mb_calq_settings;

extern const mb_option mb_calq_data_options[];
extern const char *const mb_calq_compat_names[];

// Fails with FILE:LINE for values that cannot be.
mb_status mb_calq_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_calq_settings *out) MB_MUST_CHECK;

#endif
