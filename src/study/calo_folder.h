// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_CALO_FOLDER_H
#define STUDY_CALO_FOLDER_H

#include "draw/gallery.h"
#include "draw/report.h"
#include "study/answer.h"

// The folder that a tool of `minbias calo` fills: a page index.html with its plots/, tables, and
// the main table, which is written last: its presence says that the folder is complete.
typedef struct mb_calo_folder {
    mb_context *ctx;
    const char *directory;
    char *main_path;
    mb_buffer main; // the main table
    mb_gallery *gallery;
    mb_report *report;
    mb_answer *answer;
} mb_calo_folder;

// Fails when the main table exists, unless is_forced; nothing is written yet. title, subtitle: of
// the page. The caller ends with mb_calo_folder_finish, also after a failure.
mb_status mb_calo_folder_open(mb_calo_folder *out, mb_context *ctx, const char *directory,
    const char *main, const char *title, const char *subtitle, bool is_forced) MB_MUST_CHECK;
// Makes the folder and its gallery: call it when the work begins that may take long.
mb_status mb_calo_folder_make(mb_calo_folder *folder) MB_MUST_CHECK;
// A further table: writes the text and clears it, whatever the result.
mb_status mb_calo_folder_write(
    mb_calo_folder *folder, const char *name, mb_buffer *text) MB_MUST_CHECK;
// Draws, writes the page with all figures at its end, then the main table, adds the line "DIR:
// index.html, MAIN, ..., plots/" (others may be NULL: "layers.csv"); nothing of this where the
// folder was not made. status: of the work so far.
mb_status mb_calo_folder_finish(
    mb_calo_folder *folder, mb_status status, const char *others, mb_answer **out) MB_MUST_CHECK;

#endif
