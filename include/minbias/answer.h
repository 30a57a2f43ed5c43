// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_ANSWER_H
#define MINBIAS_ANSWER_H

#include "minbias/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a call found out, twice: a table for people and one JSON object for programs.
typedef struct mb_answer mb_answer;

// Borrowed, live with the answer; never NULL. The text ends in a newline unless it is empty.
MB_API const char *mb_answer_text(const mb_answer *answer);
MB_API const char *mb_answer_json(const mb_answer *answer);
MB_API void mb_answer_destroy(mb_answer *answer);

#ifdef __cplusplus
}
#endif

#endif
