// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_ANSWER_H
#define STUDY_ANSWER_H

#include "base/node.h"
#include "base/numbers.h"
#include "minbias/answer.h"

// An answer while it is made: the tree becomes the JSON object, the buffer the text. Failures stick
// and come out of mb_answer_finish.
struct mb_answer {
    mb_runtime *runtime;
    mb_context *ctx;
    mb_document document; // root: the map
    mb_buffer text, json;
    mb_status status;
};

mb_status mb_answer_create(mb_context *ctx, mb_answer **out) MB_MUST_CHECK;
// Members of a map (NULL: the root).
void mb_answer_put_text(mb_answer *answer, mb_node *map, const char *key, const char *value);
void mb_answer_put_int(mb_answer *answer, mb_node *map, const char *key, int64_t value);
// Numbers that are not finite become null.
void mb_answer_put_real(mb_answer *answer, mb_node *map, const char *key, double value);
void mb_answer_put_bool(mb_answer *answer, mb_node *map, const char *key, bool value);
void mb_answer_put_copy(mb_answer *answer, mb_node *map, const char *key, const mb_node *value);
// A new map or list as a member, or as an entry of a list. NULL on failure; the functions above
// then do nothing.
mb_node *mb_answer_put_map(mb_answer *answer, mb_node *map, const char *key);
mb_node *mb_answer_put_list(mb_answer *answer, mb_node *map, const char *key);
mb_node *mb_answer_add_map(mb_answer *answer, mb_node *list);
void mb_answer_add_int(mb_answer *answer, mb_node *list, int64_t value);
void mb_answer_add_real(mb_answer *answer, mb_node *list, double value);
void mb_answer_add_text(mb_answer *answer, mb_node *list, const char *value);
void mb_answer_line(mb_answer *answer, const char *format, ...) MB_PRINTF(2, 3);

// Renders the JSON. status: of the work. On any failure the answer is destroyed; else it goes to
// *out, or is destroyed when out is NULL.
mb_status mb_answer_finish(mb_answer *answer, mb_status status, mb_answer **out) MB_MUST_CHECK;
// The same, and the JSON goes to a file; the answer is destroyed, whatever the result.
mb_status mb_answer_write(mb_answer *answer, mb_status status, const char *path) MB_MUST_CHECK;

#endif
