// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_PAGE_H
#define STUDY_PAGE_H

#include "draw/report.h"
#include "study/study.h"

// report.html of a run while it is made, and the parts that several kinds of run share.
typedef struct mb_page {
    mb_context *ctx;
    mb_arena *arena;
    mb_report *report;
    const char *directory;  // of the run
    const mb_node *metrics; // metrics.json
} mb_page;

// A number in a printf format of one double; "" for one that is not finite. From the arena.
const char *mb_page_number(const mb_page *p, double value, const char *format);
// Toy events, where they were: a reader must not miss it. metrics: of a training.
void mb_page_add_origin(const mb_page *p, const mb_node *metrics);
// Where a training's weights come from: seed, epochs, events, hash.
void mb_page_add_provenance(const mb_page *p, const mb_node *metrics);
// The layers of the model in a training's folder, folded.
mb_status mb_page_add_model(const mb_page *p, const char *directory) MB_MUST_CHECK;
// A text file of the run, folded behind summary; nothing where it is not there.
mb_status mb_page_add_file(const mb_page *p, const char *name, const char *summary) MB_MUST_CHECK;

// The whole of a run that judges every score on every sample.
mb_status mb_page_add_matrix(const mb_page *p) MB_MUST_CHECK;

// Of a run on modules of the concentrator: scores.csv as a table, and its figures. Nothing for
// other runs.
mb_status mb_page_add_modules(const mb_page *p) MB_MUST_CHECK;
bool mb_page_has_modules(const mb_page *p);

// Of a run on tracks: scores by space and radius. Nothing for other runs.
void mb_page_add_tracks(const mb_page *p);

#endif
