// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/files.h"
#include "detector/ecal/load.h"
#include "detector/ecal/pictures.h"
#include "detector/ecal/simulate.h"

static mb_status has_files(mb_context *ctx, const mb_detector_request *request, bool *out) {
    mb_ecal_settings settings;
    MB_TRY(mb_ecal_settings_read(ctx, request, &settings));
    return mb_ecal_has_files(ctx, request, &settings, out);
}

const mb_detector_ops mb_detector_ecal = {
    .name = "ecal",
    .study = "ecal-shower",
    .help = "32 x 32 crystal images of energy and time; time frames of photons and electrons",
    .data_options = mb_ecal_data_options,
    .data_options_size = sizeof(mb_ecal_settings),
    .compat_names = mb_ecal_compat_names,
    .simulate_options = mb_ecal_simulate_options,
    .simulate_options_size = sizeof(mb_ecal_simulate_record),
    .simulate = mb_ecal_simulate,
    .has_files = has_files,
    .load = mb_ecal_load,
    .pictures = mb_ecal_pictures,
};
