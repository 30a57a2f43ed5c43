// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_GALLERY_H
#define DRAW_GALLERY_H

#include "draw/figure.h"

// The plots/ folder of a run: every figure as NAME.gp (script), NAME.csv (its numbers), NAME.svg
// and NAME.png; a film also as NAME.gif and its frames NAME_00.png, NAME_01.png ...
typedef struct mb_gallery mb_gallery;

typedef struct mb_gallery_settings {
    const char *gnuplot;    // program; NULL: searched in PATH
    double timeout_seconds; // for one figure; 0: 60
} mb_gallery_settings;

typedef struct mb_gallery_entry {
    const char *name;
    const char *caption;         // never NULL
    const char *svg, *png, *gif; // paths
    bool is_drawn;               // the pictures are there
    bool is_animated;            // the GIF too
} mb_gallery_entry;

// Makes the folder. settings may be NULL. The caller owns *out; on failure it is NULL.
mb_status mb_gallery_open(mb_context *ctx, const char *directory,
    const mb_gallery_settings *settings, mb_gallery **out) MB_MUST_CHECK;
// A folder drawn before, its figures in byte order of their names, captions included.
mb_status mb_gallery_load(mb_context *ctx, const char *directory, mb_gallery **out) MB_MUST_CHECK;
void mb_gallery_destroy(mb_gallery *gallery);
// Writes script and data. The figure is destroyed, whatever the result; its sticky failure is
// returned. A figure of the same name is replaced.
mb_status mb_gallery_add(mb_gallery *gallery, mb_context *ctx, mb_figure *figure) MB_MUST_CHECK;
// The same where making the figure returned status: after a failure it is destroyed, not added.
mb_status mb_gallery_finish(
    mb_gallery *gallery, mb_context *ctx, mb_figure *figure, mb_status status) MB_MUST_CHECK;
// Says that a figure is not made, as the array it shows is not there.
void mb_gallery_leave_out(mb_context *ctx, const char *figure, const char *array);
// Draws the figures added since the last call, several gnuplot processes at a time. Without gnuplot
// scripts and data stay, a notice says so, and the result is MB_OK. A picture that gnuplot refuses
// is a notice too.
mb_status mb_gallery_draw(mb_gallery *gallery, mb_context *ctx) MB_MUST_CHECK;
size_t mb_gallery_count(const mb_gallery *gallery);
// Borrowed until the next change of the gallery.
const mb_gallery_entry *mb_gallery_entry_at(const mb_gallery *gallery, size_t i);
// By name, or NULL.
const mb_gallery_entry *mb_gallery_find(const mb_gallery *gallery, const char *name);

#endif
