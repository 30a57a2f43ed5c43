// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_REPORT_H
#define DRAW_REPORT_H

#include "draw/gallery.h"

// One self-contained HTML page: pictures inside, nothing loaded from outside, every text escaped,
// light and dark, printable. The first failure sticks and comes out of mb_report_write. The page
// holds its parts in the order of the calls; level-2 headings make the list of contents.
typedef struct mb_report mb_report;

// NULL on failure (recorded in ctx); the functions below accept NULL. subtitle may be NULL.
mb_report *mb_report_create(mb_context *ctx, const char *title, const char *subtitle);
void mb_report_destroy(mb_report *report);

// level 2 .. 4
void mb_report_heading(mb_report *report, int level, const char *text);
void mb_report_paragraph(mb_report *report, const char *format, ...) MB_PRINTF(2, 3);
// A paragraph that stands out: something a reader must not miss.
void mb_report_warning(mb_report *report, const char *format, ...) MB_PRINTF(2, 3);
// A row of large numbers. Each tile: value, name, note (may be NULL).
typedef struct mb_report_tile {
    const char *value, *name, *note;
} mb_report_tile;
void mb_report_tiles(mb_report *report, const mb_report_tile *tiles, size_t n);
// A table; head may be NULL. cells are n_rows * n_columns texts in row order; NULL cells stay
// empty. Columns whose cells are all numbers are set to the right.
void mb_report_table(mb_report *report, const char *caption, const char *const *head,
    size_t n_columns, const char *const *cells, size_t n_rows);
// A picture: its GIF where it is a film, else its SVG, or beside it the PNG where the SVG is very
// large. Not drawn: the caption says so.
void mb_report_figure(mb_report *report, const mb_gallery_entry *entry);
// All figures of a gallery.
void mb_report_gallery(mb_report *report, const mb_gallery *gallery);
void mb_report_preformatted(mb_report *report, const char *text);
// Parts between begin and end are folded behind a line of text; they open when printed.
void mb_report_details_begin(mb_report *report, const char *summary);
void mb_report_details_end(mb_report *report);
// A line at the very end: version, seed, hashes.
void mb_report_footer(mb_report *report, const char *format, ...) MB_PRINTF(2, 3);

// Writes the page.
mb_status mb_report_write(mb_report *report, mb_context *ctx, const char *path) MB_MUST_CHECK;

#endif
