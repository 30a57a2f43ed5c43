// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_ECONT_H
#define STUDY_ECONT_H

#include "base/buffer.h"
#include "minbias/econt.h"

// A line KEY: "VALUE" of a study, whatever characters the value has.
void mb_econt_put_text(mb_buffer *text, const char *key, const char *value);

#endif
