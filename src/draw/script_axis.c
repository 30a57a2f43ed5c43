// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/script.h"

#include <math.h>

// An axis shorter than this gets a number for each whole one.
enum { FEW_WHOLE_NUMBERS = 12 };

const mb_extent mb_no_extent = {INFINITY, -INFINITY, INFINITY};

void mb_extent_add(mb_extent *extent, const mb_series_part *part, mb_column c, bool is_log) {
    for (size_t i = 0; part->column[c] != NULL && i < part->n; i++) {
        const double value = part->column[c][i];
        if (value > 0 && value < extent->low_positive) {
            extent->low_positive = value;
        }
        if (!is_log || value > 0) {
            extent->low = value < extent->low ? value : extent->low;
            extent->high = value > extent->high ? value : extent->high;
        }
    }
}

static const mb_axis *axis_of(const mb_panel *panel, mb_axis_side side) {
    return side == MB_AXIS_X      ? &panel->settings.x
           : side == MB_AXIS_LEFT ? &panel->settings.y
                                  : &panel->settings.right;
}

mb_extent mb_panel_extent(const mb_panel *panel, mb_axis_side side) {
    static const mb_column columns[2][3] = {{MB_COLUMN_Y, MB_COLUMN_LOW, MB_COLUMN_HIGH},
        {MB_COLUMN_X, MB_COLUMN_X_LOW, MB_COLUMN_X_HIGH}};
    const bool is_x = side == MB_AXIS_X;
    const bool is_log = axis_of(panel, side)->is_log;
    mb_extent e = mb_no_extent;
    for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
        if (!is_x && part->settings.is_right != (side == MB_AXIS_RIGHT)) {
            continue;
        }
        for (size_t i = 0; i < MB_COUNT_OF(columns[0]); i++) {
            mb_extent_add(&e, part, columns[is_x][i], is_log);
        }
    }
    return e;
}

void mb_script_quoted(mb_script *script, const char *before, const char *text, const char *after) {
    mb_buffer_text(script->text, before);
    mb_quote_gnuplot(script->text, text != NULL ? text : "");
    mb_buffer_text(script->text, after);
}

// Labels 1, 2, 5 where powers of ten alone would be too few.
static void write_log_tics(mb_script *script, const char *axis, double low, double high) {
    static const double steps[] = {1, 2, 5};
    mb_buffer_format(script->text, "set %stics (", axis);
    const char *comma = "";
    for (int exponent = -12; exponent <= 12; exponent++) {
        for (size_t i = 0; i < MB_COUNT_OF(steps); i++) {
            double tick = steps[i];
            for (int e = 0; e < (exponent < 0 ? -exponent : exponent); e++) {
                tick = exponent < 0 ? tick / 10 : tick * 10;
            }
            if (tick >= low / 1.001 && tick <= high * 1.001) {
                mb_buffer_format(script->text, "%s'%.4g' %.6g", comma, tick, tick);
                comma = ", ";
            }
        }
    }
    mb_buffer_text(script->text, ")\n");
}

// 1, 2 or 5 times a power of ten.
static double round_step(double least) {
    double step = 1;
    while (step < least) {
        step *= 10;
    }
    while (step / 10 >= least) {
        step /= 10;
    }
    return step / 5 >= least ? step / 5 : step / 2 >= least ? step / 2 : step;
}

// A short stretch may hold none of 1, 2 and 5: even steps then.
static void write_even_tics(mb_script *script, const char *axis, double low, double high) {
    enum { STEPS = 5 };
    const double step = round_step((high - low) / STEPS);
    mb_buffer_format(script->text, "set %stics (", axis);
    const char *comma = "";
    for (double i = ceil(low / step); i * step <= high; i++) {
        mb_buffer_format(script->text, "%s'%.6g' %.6g", comma, i * step, i * step);
        comma = ", ";
    }
    mb_buffer_text(script->text, ")\n");
}

static void write_log_axis(mb_script *script, const char *axis, double low, double high) {
    mb_buffer_format(script->text, "set logscale %s\n", axis);
    if (high / low < 6 && high / low > 1.0001 && low > 1e-9 && high < 1e9) {
        write_even_tics(script, axis, low, high);
    } else if (high / low < 300 && low > 1e-9 && high < 1e9) {
        write_log_tics(script, axis, low, high);
    } else {
        mb_buffer_format(script->text, "set format %s '10^{%%L}'\n", axis);
    }
}

// Room around the data; histograms stand on zero.
static void choose_range(
    const mb_axis *axis, mb_extent e, bool is_histogram, double *low, double *high) {
    if (axis->is_log) {
        *low = is_histogram ? e.low_positive / 2 : e.low_positive / 1.2;
        *high = is_histogram ? e.high * 3 : e.high * 1.2;
        return;
    }
    const double span = e.high - e.low;
    const double room = span > 0 ? 0.05 * span : e.high != 0 ? 0.1 * fabs(e.high) : 1;
    *low = is_histogram && e.low >= 0 ? 0 : e.low - room;
    *high = is_histogram && e.high <= 0 ? 1 : e.high + room;
}

static bool is_on_edges(const mb_panel *panel) {
    for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
        if (part->settings.kind == MB_SERIES_STEPS) {
            return true;
        }
    }
    return false;
}

// Names instead of numbers.
static void write_ticks(mb_script *script, const mb_axis *axis, const char *name) {
    mb_buffer_format(
        script->text, "set %stics scale 0 rotate by %.6g right (", name, axis->tick_angle);
    for (size_t i = 0; i < axis->n_ticks; i++) {
        mb_buffer_text(script->text, i > 0 ? ", " : "");
        mb_quote_subscript(script->text, script->figure->ctx, &axis->ticks[i]);
        mb_buffer_format(script->text, " %zu", i);
    }
    mb_buffer_text(script->text, ") enhanced\n");
}

static void write_numbers(
    mb_script *script, const mb_axis *axis, const char *name, double low, double high) {
    if (axis->is_log) {
        write_log_axis(script, name, low, high);
    } else if (axis->is_whole && high - low < FEW_WHOLE_NUMBERS) {
        mb_buffer_format(script->text, "set %stics 1\n", name);
    } else if (axis->most_numbers > 0 && high - low > 1e-9 && high - low < 1e9) {
        mb_buffer_format(script->text, "set %stics %.6g\n", name,
            round_step((high - low) / (double)axis->most_numbers));
    }
    if (axis->hides_numbers) {
        mb_buffer_format(script->text, "unset %stics\n", name);
    }
}

static void find_range(
    const mb_panel *panel, mb_axis_side side, bool is_empty, double *low, double *high) {
    const mb_axis *axis = axis_of(panel, side);
    const mb_extent e = is_empty ? mb_no_extent : mb_panel_extent(panel, side);
    const bool has_edges = is_on_edges(panel);
    *low = axis->is_log ? 0.1 : 0;
    *high = 1;
    if (axis->has_range && axis->low < axis->high && (!axis->is_log || axis->low > 0)) {
        *low = axis->low;
        *high = axis->high;
    } else if (e.low < e.high && side == MB_AXIS_X && has_edges && !axis->is_log) {
        *low = e.low;
        *high = e.high;
    } else if (e.low <= e.high) {
        choose_range(axis, e, side != MB_AXIS_X && has_edges, low, high);
    }
}

void mb_script_axis(mb_script *script, const mb_panel *panel, mb_axis_side side, bool is_empty) {
    static const char *const names[] = {"x", "y", "y2"};
    const char *name = names[side];
    const mb_axis *axis = axis_of(panel, side);
    double low;
    double high;
    find_range(panel, side, is_empty, &low, &high);
    mb_buffer_format(script->text, "set %slabel ", name);
    mb_script_quoted(script, "", axis->hides_label ? NULL : axis->label, " noenhanced\n");
    mb_buffer_format(script->text, "set %srange [%.17g:%.17g]\n", name, low, high);
    if (axis->n_ticks > 0) {
        write_ticks(script, axis, name);
    } else {
        write_numbers(script, axis, name, low, high);
    }
}

// gnuplot draws a line beyond the axes too, across the neighbouring panels.
static bool is_outside(const mb_panel *panel, const mb_mark *mark, bool is_empty) {
    const bool is_vertical = mark->kind == MB_MARK_VERTICAL;
    if (!is_vertical && mark->kind != MB_MARK_HORIZONTAL) {
        return false;
    }
    double low;
    double high;
    find_range(panel, is_vertical ? MB_AXIS_X : MB_AXIS_LEFT, is_empty, &low, &high);
    const double place = is_vertical ? mark->x : mark->y;
    return place < low || place > high;
}

void mb_script_marks(mb_script *script, const mb_panel *panel, bool is_empty) {
    for (const mb_mark *mark = panel->first_mark; mark != NULL; mark = mark->next) {
        if (is_outside(panel, mark, is_empty)) {
            continue;
        }
        switch (mark->kind) {
        case MB_MARK_VERTICAL:
            mb_buffer_format(script->text,
                "set arrow from first %.17g, graph 0 to first %.17g, graph 1 nohead front "
                "lt 9 dt 2\n",
                mark->x, mark->x);
            mb_script_quoted(script, "set label ", mark->text, " noenhanced front");
            mb_buffer_format(script->text,
                " at first %.17g, graph 0.03 left rotate by 90 offset 0.9,0 "
                "tc rgb '#555555' font ',11'\n",
                mark->x);
            break;
        case MB_MARK_HORIZONTAL:
            mb_buffer_format(script->text,
                "set arrow from graph 0, first %.17g to graph 1, first %.17g nohead front "
                "lt 9 dt 2\n",
                mark->y, mark->y);
            mb_script_quoted(script, "set label ", mark->text, " noenhanced front");
            mb_buffer_format(script->text,
                " at graph 0.02, first %.17g left offset 0,0.6 tc rgb '#555555' font ',11'\n",
                mark->y);
            break;
        case MB_MARK_TEXT:
            mb_script_quoted(script, "set label ", mark->text, " noenhanced front");
            mb_buffer_format(script->text, " at graph %.6g, graph %.6g center\n", mark->x, mark->y);
            break;
        case MB_MARK_LABEL:
            mb_script_quoted(script, "set label ", mark->text, " noenhanced front");
            mb_buffer_format(script->text, " at first %.17g, first %.17g center tc rgb '#111111'\n",
                mark->x, mark->y);
            break;
        }
    }
}
