// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/parts.h"
#include "draw/style.h"

#include <math.h>

static void keep_failure(mb_figure *figure, mb_status status) {
    if (figure->status == MB_OK) {
        figure->status = status;
    }
}

static void *allocate(mb_figure *figure, size_t count, size_t size) {
    void *memory = mb_arena_allocate(&figure->arena, figure->ctx, count, size);
    if (memory == NULL) {
        keep_failure(figure, MB_ERR_MEMORY);
    }
    return memory;
}

static const char *copy_text(mb_figure *figure, const char *text) {
    if (text == NULL) {
        return NULL;
    }
    const char *copy = mb_arena_text(&figure->arena, figure->ctx, text);
    if (copy == NULL) {
        keep_failure(figure, MB_ERR_MEMORY);
    }
    return copy;
}

// Names become file names and must not lead out of the folder.
static bool is_name(const char *name) {
    for (const char *p = name; *p != '\0'; p++) {
        const bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (!is_letter && !(*p >= '0' && *p <= '9') && *p != '_' && *p != '-') {
            return false;
        }
    }
    return name[0] != '\0' && name[0] != '-';
}

mb_figure *mb_figure_create(mb_context *ctx, const char *name, double width, double height) {
    mb_figure *figure = mb_allocate_zeroed(ctx, 1, sizeof *figure);
    if (figure == NULL) {
        return NULL;
    }
    figure->ctx = ctx;
    mb_arena_init(&figure->arena, ctx);
    figure->width = width;
    figure->height = height;
    figure->font_size = MB_FONT_SIZE;
    figure->name = copy_text(figure, name);
    figure->caption = copy_text(figure, "");
    if (!is_name(name)) {
        keep_failure(
            figure, mb_fail(ctx, MB_ERR_ARG,
                        "figure: '%s' is no name; use letters, digits, '_' and '-'", name));
    } else if (!(width >= 1 && width <= 100 && height >= 1 && height <= 100)) {
        keep_failure(figure,
            mb_fail(ctx, MB_ERR_RANGE, "figure %s: %g x %g inch; both sizes are from 1 to 100",
                name, width, height));
    }
    return figure;
}

void mb_figure_destroy(mb_figure *figure) {
    if (figure != NULL) {
        mb_arena_clear(&figure->arena);
        mb_release(figure->ctx, figure);
    }
}

void mb_figure_caption(mb_figure *figure, const char *format, ...) {
    if (figure == NULL) {
        return;
    }
    va_list list;
    va_start(list, format);
    const char *caption = mb_arena_format_list(&figure->arena, figure->ctx, format, list);
    va_end(list);
    if (caption == NULL) {
        keep_failure(figure, MB_ERR_MEMORY);
        return;
    }
    figure->caption = caption;
}

void mb_figure_title(mb_figure *figure, const char *title) {
    if (figure != NULL) {
        figure->title = copy_text(figure, title);
    }
}

void mb_figure_columns(mb_figure *figure, size_t n_columns) {
    if (figure != NULL) {
        figure->n_columns = n_columns;
    }
}

void mb_figure_animate(mb_figure *figure, int frame_milliseconds) {
    if (figure != NULL) {
        figure->frame_milliseconds = frame_milliseconds;
    }
}

void mb_figure_font(mb_figure *figure, int size) {
    if (figure != NULL) {
        figure->font_size = size;
    }
}

static mb_extra_column *add_extra(mb_figure *figure, const char *name, size_t n) {
    mb_extra_column *column = figure != NULL ? allocate(figure, 1, sizeof *column) : NULL;
    if (column == NULL) {
        return NULL;
    }
    *column = (mb_extra_column){.name = copy_text(figure, name), .n = n};
    if (figure->last_extra != NULL) {
        figure->last_extra->next = column;
    } else {
        figure->first_extra = column;
    }
    figure->last_extra = column;
    return column;
}

void mb_figure_numbers(mb_figure *figure, const char *name, mb_values values) {
    mb_extra_column *column = add_extra(figure, name, values.n);
    double *copy = column != NULL ? allocate(figure, values.n, sizeof *copy) : NULL;
    for (size_t i = 0; copy != NULL && i < values.n; i++) {
        copy[i] = mb_values_get(values, i);
    }
    if (column != NULL) {
        column->value = copy;
    }
}

void mb_figure_texts(mb_figure *figure, const char *name, const char *const *texts, size_t n) {
    mb_extra_column *column = add_extra(figure, name, n);
    const char **copy = column != NULL ? allocate(figure, n, sizeof *copy) : NULL;
    for (size_t i = 0; copy != NULL && i < n; i++) {
        copy[i] = copy_text(figure, texts[i]);
    }
    if (column != NULL) {
        column->text = copy;
    }
}

static void copy_axis(mb_figure *figure, mb_axis *axis) {
    axis->label = copy_text(figure, axis->label);
    mb_tick *ticks = axis->n_ticks > 0 ? allocate(figure, axis->n_ticks, sizeof *ticks) : NULL;
    for (size_t i = 0; ticks != NULL && i < axis->n_ticks; i++) {
        ticks[i].symbol = copy_text(figure, axis->ticks[i].symbol);
        ticks[i].text = copy_text(figure, axis->ticks[i].text);
    }
    axis->ticks = ticks;
}

mb_panel *mb_figure_panel(mb_figure *figure, const mb_panel_settings *settings) {
    if (figure == NULL) {
        return NULL;
    }
    mb_panel *panel = allocate(figure, 1, sizeof *panel);
    if (panel == NULL) {
        return NULL;
    }
    panel->figure = figure;
    panel->settings = *settings;
    panel->settings.title = copy_text(figure, settings->title);
    copy_axis(figure, &panel->settings.x);
    copy_axis(figure, &panel->settings.y);
    copy_axis(figure, &panel->settings.z);
    copy_axis(figure, &panel->settings.right);
    panel->settings.legend_title = copy_text(figure, settings->legend_title);
    panel->settings.color_label = copy_text(figure, settings->color_label);
    if (figure->last != NULL) {
        figure->last->next = panel;
    } else {
        figure->first = panel;
    }
    figure->last = panel;
    figure->n_panels++;
    return panel;
}

static void list_columns(const mb_series *series, mb_values column[MB_N_COLUMNS]) {
    column[MB_COLUMN_X] = series->x;
    column[MB_COLUMN_Y] = series->y;
    column[MB_COLUMN_Z] = series->z;
    column[MB_COLUMN_LOW] = series->low;
    column[MB_COLUMN_HIGH] = series->high;
    column[MB_COLUMN_X_LOW] = series->x_low;
    column[MB_COLUMN_X_HIGH] = series->x_high;
    column[MB_COLUMN_SHADE] = series->shade;
    column[MB_COLUMN_VALUE] = series->value;
}

static bool is_used(const mb_series *series, int column, mb_values values) {
    const mb_series_kind kind = series->kind;
    switch (column) {
    case MB_COLUMN_X:
    case MB_COLUMN_Y:
        return true;
    case MB_COLUMN_Z:
        return kind == MB_SERIES_BALLS;
    case MB_COLUMN_LOW:
        return kind == MB_SERIES_ERRORS || kind == MB_SERIES_BAND;
    case MB_COLUMN_HIGH:
        return kind == MB_SERIES_ERRORS || kind == MB_SERIES_BAND || kind == MB_SERIES_SEGMENTS;
    case MB_COLUMN_X_LOW:
        return kind == MB_SERIES_ERRORS && values.n > 0;
    case MB_COLUMN_X_HIGH:
        return kind == MB_SERIES_SEGMENTS || (kind == MB_SERIES_ERRORS && values.n > 0);
    case MB_COLUMN_SHADE:
        return (kind == MB_SERIES_POINTS || kind == MB_SERIES_DOTS) && values.n > 0;
    default:
        return kind == MB_SERIES_BALLS || kind == MB_SERIES_RHOMBI ||
               (kind == MB_SERIES_CELLS && series->color == 0);
    }
}

static mb_status check_lengths(
    const mb_figure *figure, const mb_series *series, const mb_values column[MB_N_COLUMNS]) {
    const size_t n = series->y.n;
    for (int c = 0; c < MB_N_COLUMNS; c++) {
        const size_t edge = c == MB_COLUMN_X && series->kind == MB_SERIES_STEPS && n > 0 ? 1 : 0;
        if (is_used(series, c, column[c]) && column[c].n != n + edge) {
            return mb_fail(figure->ctx, MB_ERR_SHAPE,
                "figure %s: column %d of series '%s' has %zu values for %zu points; give one each",
                figure->name, c, series->label != NULL ? series->label : "", column[c].n, n);
        }
    }
    return MB_OK;
}

// A histogram becomes points at the left edges and one more at the last edge.
static void copy_points(mb_series_part *part, const mb_values column[MB_N_COLUMNS]) {
    const bool is_steps = part->settings.kind == MB_SERIES_STEPS;
    const size_t n = column[MB_COLUMN_Y].n + (is_steps && column[MB_COLUMN_Y].n > 0 ? 1 : 0);
    for (size_t i = 0; i < n; i++) {
        bool is_finite = true;
        for (int c = 0; c < MB_N_COLUMNS; c++) {
            if (part->column[c] == NULL) {
                continue;
            }
            const size_t row = i < column[c].n ? i : column[c].n - 1;
            part->column[c][part->n] = mb_values_get(column[c], row);
            is_finite = is_finite && (c == MB_COLUMN_VALUE || isfinite(part->column[c][part->n]));
        }
        part->n += is_finite ? 1 : 0;
    }
}

void mb_panel_series(mb_panel *panel, const mb_series *series) {
    if (panel == NULL || panel->figure->status != MB_OK) {
        return;
    }
    mb_figure *figure = panel->figure;
    mb_values column[MB_N_COLUMNS];
    list_columns(series, column);
    const mb_status status = check_lengths(figure, series, column);
    if (status != MB_OK) {
        keep_failure(figure, status);
        return;
    }
    mb_series_part *part = allocate(figure, 1, sizeof *part);
    if (part == NULL) {
        return;
    }
    part->settings = *series;
    part->settings.label = copy_text(figure, series->label);
    part->settings.name = copy_text(figure, series->name);
    for (int c = 0; c < MB_N_COLUMNS; c++) {
        if (is_used(series, c, column[c])) {
            part->column[c] = allocate(figure, series->y.n + 1, sizeof(double));
            if (part->column[c] == NULL) {
                return;
            }
        }
    }
    copy_points(part, column);
    if (panel->last_series != NULL) {
        panel->last_series->next = part;
    } else {
        panel->first_series = part;
    }
    panel->last_series = part;
}

static void add_mark(mb_panel *panel, mb_mark_kind kind, double x, double y, const char *text) {
    if (panel == NULL || !isfinite(x) || !isfinite(y)) {
        return;
    }
    mb_mark *mark = allocate(panel->figure, 1, sizeof *mark);
    if (mark == NULL) {
        return;
    }
    *mark = (mb_mark){.kind = kind, .x = x, .y = y, .text = copy_text(panel->figure, text)};
    if (panel->last_mark != NULL) {
        panel->last_mark->next = mark;
    } else {
        panel->first_mark = mark;
    }
    panel->last_mark = mark;
}

void mb_panel_vertical(mb_panel *panel, double x, const char *text) {
    add_mark(panel, MB_MARK_VERTICAL, x, 0, text);
}

void mb_panel_horizontal(mb_panel *panel, double y, const char *text) {
    add_mark(panel, MB_MARK_HORIZONTAL, 0, y, text);
}

void mb_panel_text(mb_panel *panel, double x, double y, const char *text) {
    add_mark(panel, MB_MARK_TEXT, x, y, text);
}

void mb_panel_label(mb_panel *panel, double x, double y, const char *text) {
    add_mark(panel, MB_MARK_LABEL, x, y, text);
}
