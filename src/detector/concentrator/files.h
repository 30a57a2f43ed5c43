// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_FILES_H
#define DETECTOR_CONCENTRATOR_FILES_H

#include "base/output.h"
#include "detector/concentrator/settings.h"

// Paths of the charge files: what data.files names, folders opened, each in byte order; or the
// files that the request names. Fails with IO when there are none, FORMAT when a path does not tell
// the study's number of links. Freed with mb_names_clear, also after a failure.
mb_status mb_calq_files_find(mb_context *ctx, const mb_detector_request *request,
    const mb_calq_settings *settings, mb_names *out) MB_MUST_CHECK;
mb_status mb_calq_has_files(mb_context *ctx, const mb_detector_request *request,
    const mb_calq_settings *settings, bool *out) MB_MUST_CHECK;

#endif
