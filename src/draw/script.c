// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/style.h"
#include "draw/table.h"

#include <math.h>

// Panels side by side from which on their numbers are written small.
enum { MANY_COLUMNS = 4 };
// An axis shorter than this gets a number for each whole one.
enum { FEW_WHOLE_NUMBERS = 12 };

// One script being written.
typedef struct writer {
    const mb_figure *figure;
    mb_buffer *script;
    mb_table table;
    mb_arena arena; // names of columns
} writer;

// The numbers that an axis must show.
typedef struct extent {
    double low, high; // low > high: none
    double low_positive;
} extent;

static const extent no_extent = {INFINITY, -INFINITY, INFINITY};

static void extend(extent *e, const mb_series_part *part, mb_column c, bool is_log) {
    for (size_t i = 0; part->column[c] != NULL && i < part->n; i++) {
        const double value = part->column[c][i];
        if (value > 0 && value < e->low_positive) {
            e->low_positive = value;
        }
        if (!is_log || value > 0) {
            e->low = value < e->low ? value : e->low;
            e->high = value > e->high ? value : e->high;
        }
    }
}

static extent panel_extent(const mb_panel *panel, bool is_x) {
    static const mb_column columns[2][3] = {{MB_COLUMN_Y, MB_COLUMN_LOW, MB_COLUMN_HIGH},
        {MB_COLUMN_X, MB_COLUMN_X_LOW, MB_COLUMN_X_HIGH}};
    const bool is_log = is_x ? panel->settings.x.is_log : panel->settings.y.is_log;
    extent e = no_extent;
    for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
        for (size_t i = 0; i < MB_COUNT_OF(columns[0]); i++) {
            extend(&e, part, columns[is_x][i], is_log);
        }
    }
    return e;
}

static void quoted(writer *w, const char *before, const char *text, const char *after) {
    mb_buffer_text(w->script, before);
    mb_quote_gnuplot(w->script, text != NULL ? text : "");
    mb_buffer_text(w->script, after);
}

// Labels 1, 2, 5 where powers of ten alone would be too few.
static void write_log_tics(writer *w, char axis, double low, double high) {
    static const double steps[] = {1, 2, 5};
    mb_buffer_format(w->script, "set %ctics (", axis);
    const char *comma = "";
    for (int exponent = -12; exponent <= 12; exponent++) {
        for (size_t i = 0; i < MB_COUNT_OF(steps); i++) {
            double tick = steps[i];
            for (int e = 0; e < (exponent < 0 ? -exponent : exponent); e++) {
                tick = exponent < 0 ? tick / 10 : tick * 10;
            }
            if (tick >= low / 1.001 && tick <= high * 1.001) {
                mb_buffer_format(w->script, "%s'%.4g' %.6g", comma, tick, tick);
                comma = ", ";
            }
        }
    }
    mb_buffer_text(w->script, ")\n");
}

static void write_log_axis(writer *w, char axis, double low, double high) {
    mb_buffer_format(w->script, "set logscale %c\n", axis);
    if (high / low < 300 && low > 1e-9 && high < 1e9) {
        write_log_tics(w, axis, low, high);
    } else {
        mb_buffer_format(w->script, "set format %c '10^{%%L}'\n", axis);
    }
}

// Room around the data; histograms stand on zero.
static void choose_range(
    const mb_axis *axis, extent e, bool is_histogram, double *low, double *high) {
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

static void write_axis(writer *w, const mb_panel *panel, bool is_x, bool is_empty) {
    const mb_axis *axis = is_x ? &panel->settings.x : &panel->settings.y;
    const char letter = is_x ? 'x' : 'y';
    const extent e = is_empty ? no_extent : panel_extent(panel, is_x);
    double low = axis->is_log ? 0.1 : 0;
    double high = 1;
    if (axis->has_range && axis->low < axis->high && (!axis->is_log || axis->low > 0)) {
        low = axis->low;
        high = axis->high;
    } else if (e.low < e.high && is_x && is_on_edges(panel) && !axis->is_log) {
        low = e.low;
        high = e.high;
    } else if (e.low <= e.high) {
        choose_range(axis, e, !is_x && is_on_edges(panel), &low, &high);
    }
    quoted(w, is_x ? "set xlabel " : "set ylabel ", axis->label, " noenhanced\n");
    mb_buffer_format(w->script, "set %crange [%.17g:%.17g]\n", letter, low, high);
    if (axis->is_log) {
        write_log_axis(w, letter, low, high);
    } else if (axis->is_whole && high - low < FEW_WHOLE_NUMBERS) {
        mb_buffer_format(w->script, "set %ctics 1\n", letter);
    }
}

// Inches of the space that the panels leave for names, and of the legend beside all of them.
static const double left_space = 1;
static const double bottom_space = 0.8;
static const double between_space = 1.1;
static const double legend_start = 0.15;
static const double legend_sample = 0.75;
static const double letter_width = 0.1;

static bool has_outer_legend(const mb_figure *figure) {
    for (const mb_panel *panel = figure->first; panel != NULL; panel = panel->next) {
        if (panel->settings.legend == MB_LEGEND_OUTSIDE) {
            return true;
        }
    }
    return false;
}

static double outer_legend_width(const mb_figure *figure) {
    size_t longest = 0;
    for (const mb_panel *panel = figure->first; panel != NULL; panel = panel->next) {
        for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
            const char *label = part->settings.label;
            longest = mb_max_size(longest, label != NULL ? strlen(label) : 0);
        }
    }
    const double width = legend_start + legend_sample + letter_width * (double)longest;
    return fmin(width, figure->width / 2);
}

static double top_space(const mb_figure *figure) {
    return figure->title != NULL ? 0.85 : 0.5;
}

static void write_legend_place(writer *w, mb_legend legend) {
    const mb_figure *figure = w->figure;
    switch (legend) {
    case MB_LEGEND_TOP_LEFT:
        mb_buffer_text(w->script, "inside top left Left reverse");
        break;
    case MB_LEGEND_BOTTOM_RIGHT:
        mb_buffer_text(w->script, "inside bottom right Right noreverse");
        break;
    case MB_LEGEND_BOTTOM_LEFT:
        mb_buffer_text(w->script, "inside bottom left Left reverse");
        break;
    case MB_LEGEND_OUTSIDE:
        if (figure->n_panels == 1) {
            mb_buffer_text(w->script, "outside right top Left reverse");
            break;
        }
        mb_buffer_format(w->script, "at screen %.4f, %.4f left top Left reverse",
            1 - (outer_legend_width(figure) - legend_start) / figure->width,
            1 - top_space(figure) / figure->height);
        break;
    default:
        mb_buffer_text(w->script, "inside top right Right noreverse");
        break;
    }
}

static void write_legend(writer *w, const mb_panel *panel) {
    if (panel->settings.legend == MB_LEGEND_NONE) {
        mb_buffer_text(w->script, "set key off\n");
        return;
    }
    // A fresh key: the old place would stay otherwise.
    mb_buffer_text(w->script, "set key default; set key samplen 2 spacing 1.1\nset key on ");
    write_legend_place(w, panel->settings.legend);
    if (panel->settings.legend_title != NULL) {
        quoted(w, " title ", panel->settings.legend_title, " noenhanced\n");
    } else {
        mb_buffer_text(w->script, " notitle\n");
    }
}

// All panels of one size, with room for the legend on the right.
static void write_margins(writer *w) {
    const mb_figure *figure = w->figure;
    mb_buffer_format(w->script, " margins %.4f,%.4f,%.4f,%.4f spacing %.4f,%.4f",
        left_space / figure->width, 1 - outer_legend_width(figure) / figure->width,
        bottom_space / figure->height, 1 - top_space(figure) / figure->height,
        between_space / figure->width, (bottom_space + 0.3) / figure->height);
}

static void write_marks(writer *w, const mb_panel *panel) {
    for (const mb_mark *mark = panel->first_mark; mark != NULL; mark = mark->next) {
        switch (mark->kind) {
        case MB_MARK_VERTICAL:
            mb_buffer_format(w->script,
                "set arrow from first %.17g, graph 0 to first %.17g, graph 1 nohead front "
                "lt 9 dt 2\n",
                mark->x, mark->x);
            quoted(w, "set label ", mark->text, " noenhanced front");
            mb_buffer_format(w->script,
                " at first %.17g, graph 0.03 left rotate by 90 offset 0.9,0 "
                "tc rgb '#555555' font ',11'\n",
                mark->x);
            break;
        case MB_MARK_HORIZONTAL:
            mb_buffer_format(w->script,
                "set arrow from graph 0, first %.17g to graph 1, first %.17g nohead front "
                "lt 9 dt 2\n",
                mark->y, mark->y);
            quoted(w, "set label ", mark->text, " noenhanced front");
            mb_buffer_format(w->script,
                " at graph 0.02, first %.17g left offset 0,0.6 tc rgb '#555555' font ',11'\n",
                mark->y);
            break;
        case MB_MARK_TEXT:
            quoted(w, "set label ", mark->text, " noenhanced front");
            mb_buffer_format(w->script, " at graph %.6g, graph %.6g center\n", mark->x, mark->y);
            break;
        }
    }
}

static size_t add_column(
    writer *w, const mb_panel *panel, const mb_series_part *part, mb_column c) {
    static const char *const suffix[MB_N_COLUMNS] = {
        "", "", " low", " high", " low", " high", " group", " value"};
    const bool is_x = c == MB_COLUMN_X || c == MB_COLUMN_X_LOW || c == MB_COLUMN_X_HIGH;
    const char *axis = is_x ? panel->settings.x.label : panel->settings.y.label;
    const char *name_given = part->settings.name;
    const char *label = is_x ? NULL : name_given != NULL ? name_given : part->settings.label;
    const char *title = panel->settings.title;
    const bool is_clear = axis != NULL && title != NULL && strcmp(axis, title) == 0;
    const bool has_many_panels = w->figure->n_panels > 1 && title != NULL && !is_x && !is_clear;
    char *name = mb_arena_format(&w->arena, w->figure->ctx, "%s%s%s%s%s%s",
        has_many_panels ? title : "", has_many_panels ? ": " : "",
        axis != NULL ? axis
        : is_x       ? "x"
                     : "y",
        label != NULL ? ": " : "", label != NULL ? label : "", suffix[c]);
    if (name == NULL) {
        w->table.status = MB_ERR_MEMORY;
        return 1;
    }
    return mb_table_add(&w->table, name, part->column[c], part->n);
}

// "using" of a series: its columns in the order that its gnuplot style reads them.
static void write_columns(writer *w, const mb_panel *panel, const mb_series_part *part) {
    size_t number[MB_N_COLUMNS] = {0};
    for (int c = 0; c < MB_N_COLUMNS; c++) {
        if (part->column[c] != NULL) {
            number[c] = add_column(w, panel, part, (mb_column)c);
        }
    }
    const size_t x = number[MB_COLUMN_X];
    const size_t y = number[MB_COLUMN_Y];
    switch (part->settings.kind) {
    case MB_SERIES_STEPS:
        mb_buffer_format(
            w->script, panel->settings.y.is_log ? "%zu:(positive($%zu))" : "%zu:%zu", x, y);
        break;
    case MB_SERIES_ERRORS:
        mb_buffer_format(w->script, "%zu:%zu:", x, y);
        if (number[MB_COLUMN_X_LOW] > 0) {
            mb_buffer_format(
                w->script, "%zu:%zu:", number[MB_COLUMN_X_LOW], number[MB_COLUMN_X_HIGH]);
        }
        mb_buffer_format(w->script, "%zu:%zu", number[MB_COLUMN_LOW], number[MB_COLUMN_HIGH]);
        break;
    case MB_SERIES_CELLS:
        mb_buffer_format(w->script, "%zu:%zu:(%.17g):(%.17g):%zu", x, y,
            part->settings.cell_width / 2, part->settings.cell_height / 2, number[MB_COLUMN_VALUE]);
        break;
    default:
        mb_buffer_format(w->script, "%zu:%zu", x, y);
        if (number[MB_COLUMN_SHADE] > 0) {
            mb_buffer_format(w->script, ":(shade($%zu))", number[MB_COLUMN_SHADE]);
        }
        break;
    }
}

typedef struct look {
    int line_type;
    bool is_dashed;
} look;

static void write_look(writer *w, const mb_series_part *part, look style) {
    const char *dash = style.is_dashed ? " dt 2" : "";
    const int color = style.line_type;
    const bool has_shade = part->column[MB_COLUMN_SHADE] != NULL;
    switch (part->settings.kind) {
    case MB_SERIES_LINE:
        mb_buffer_format(w->script, "with lines lt %d%s", color, dash);
        break;
    case MB_SERIES_LINE_POINTS:
        mb_buffer_format(w->script, "with linespoints lt %d%s ps 0.8", color, dash);
        break;
    case MB_SERIES_POINTS:
    case MB_SERIES_DOTS:
        mb_buffer_format(w->script, "with points lt %d pt 7 ps %s%s", color,
            part->settings.kind == MB_SERIES_DOTS ? "0.25" : "0.5",
            has_shade ? " lc rgb variable" : "");
        break;
    case MB_SERIES_STEPS:
        mb_buffer_format(w->script, "with steps lt %d%s", color, dash);
        break;
    case MB_SERIES_ERRORS:
        mb_buffer_format(w->script, "with %s lt %d%s ps 0.8",
            part->column[MB_COLUMN_X_LOW] != NULL ? "xyerrorbars" : "yerrorbars", color, dash);
        break;
    case MB_SERIES_CELLS:
        mb_buffer_text(w->script, "with boxxyerror fs solid 1 noborder lc palette");
        break;
    }
}

static void write_one_plot(
    writer *w, const mb_panel *panel, const mb_series_part *part, look style, bool is_area) {
    mb_buffer_text(w->script, "     data skip 1 using ");
    write_columns(w, panel, part);
    if (is_area) {
        mb_buffer_format(w->script,
            " with fillsteps lt %d fs transparent solid 0.2 noborder notitle", style.line_type);
        return;
    }
    mb_buffer_text(w->script, " ");
    write_look(w, part, style);
    if (part->settings.label != NULL) {
        quoted(w, " title ", part->settings.label, " noenhanced");
    } else {
        mb_buffer_text(w->script, " notitle");
    }
}

static void write_plots(writer *w, const mb_panel *panel) {
    int n_given = 0;
    const char *before = "plot \\\n";
    for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
        look style = {part->settings.color, part->settings.is_dashed};
        if (style.line_type == 0) {
            // Where the colours begin again, dashes tell the series apart.
            style.is_dashed = style.is_dashed || n_given >= MB_N_COLORS;
            style.line_type = 1 + n_given++ % MB_N_COLORS;
        }
        if (part->n == 0) {
            continue;
        }
        if (part->settings.is_filled) {
            mb_buffer_text(w->script, before);
            before = ", \\\n";
            write_one_plot(w, panel, part, style, true);
        }
        mb_buffer_text(w->script, before);
        before = ", \\\n";
        write_one_plot(w, panel, part, style, false);
    }
    mb_buffer_text(w->script, "\n");
}

static bool is_empty_panel(const mb_panel *panel) {
    const extent x = panel_extent(panel, true);
    const extent y = panel_extent(panel, false);
    return !(x.low <= x.high && y.low <= y.high);
}

static void write_panel(writer *w, const mb_panel *panel) {
    const bool is_empty = is_empty_panel(panel);
    mb_buffer_text(w->script, "\nunset arrow; unset label; unset logscale; unset colorbox\n"
                              "set format '%h'; set xtics auto; set ytics auto\n");
    quoted(w, "set title ", panel->settings.title, " noenhanced\n");
    write_axis(w, panel, true, is_empty);
    write_axis(w, panel, false, is_empty);
    write_legend(w, panel);
    write_marks(w, panel);
    if (panel->settings.color_label != NULL) {
        quoted(w, "set colorbox; set cblabel ", panel->settings.color_label, " noenhanced\n");
    }
    if (is_empty) {
        mb_buffer_text(w->script, "set label 'no entries' at graph 0.5, graph 0.5 center "
                                  "tc rgb '#777777'\nplot NaN notitle\n");
    } else {
        write_plots(w, panel);
    }
}

static void write_terminals(writer *w) {
    const int width = (int)(w->figure->width * MB_PIXELS_PER_INCH);
    const int height = (int)(w->figure->height * MB_PIXELS_PER_INCH);
    mb_buffer_format(w->script,
        "do for [picture in 'svg png'] {\n"
        "if (picture eq 'svg') {\n"
        "    set terminal svg size %d,%d enhanced font 'sans-serif,%d' background '#FFFFFF'\n"
        "} else { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {\n"
        "    set terminal pngcairo size %d,%d enhanced font 'sans-serif,%d' fontscale %d "
        "linewidth %d pointscale %d\n"
        "} else {\n"
        "    set terminal png size %d,%d enhanced truecolor\n"
        "} }\n"
        "set output '%s.'.picture\n",
        width, height, MB_FONT_SIZE, width * MB_PNG_SCALE, height * MB_PNG_SCALE, MB_FONT_SIZE,
        MB_PNG_SCALE, MB_PNG_SCALE, MB_PNG_SCALE, width, height, w->figure->name);
}

// One scale for all images of the figure.
static void write_color_range(writer *w) {
    extent e = no_extent;
    for (const mb_panel *panel = w->figure->first; panel != NULL; panel = panel->next) {
        for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
            extend(&e, part, MB_COLUMN_VALUE, false);
        }
    }
    if (e.low <= e.high) {
        mb_buffer_format(w->script, "set cbrange [%.17g:%.17g]\n", e.low, fmax(e.high, e.low + 3));
    }
}

static void write_script(writer *w) {
    const mb_figure *figure = w->figure;
    mb_buffer_text(w->script, "# caption: ");
    mb_clean_text(w->script, figure->caption);
    mb_buffer_format(w->script, "\n# Draws %s.svg and %s.png: gnuplot %s.gp\n", figure->name,
        figure->name, figure->name);
    mb_buffer_text(w->script, mb_style_script);
    mb_buffer_format(w->script, "data = '%s.csv'\n", figure->name);
    write_terminals(w);
    const size_t n_columns = figure->n_columns > 0 ? figure->n_columns : figure->n_panels;
    const size_t n_rows = n_columns > 0 ? (figure->n_panels + n_columns - 1) / n_columns : 1;
    mb_buffer_format(w->script, "set multiplot layout %zu,%zu", mb_max_size(n_rows, 1),
        mb_max_size(n_columns, 1));
    if (figure->title != NULL) {
        quoted(w, " title ", figure->title, " noenhanced");
    }
    if (figure->n_panels > 1 && has_outer_legend(figure)) {
        write_margins(w);
    }
    mb_buffer_text(w->script, "\n");
    write_color_range(w);
    if (n_columns >= MANY_COLUMNS) {
        mb_buffer_text(w->script, "set tics font ',10'\n");
    }
    for (const mb_panel *panel = figure->first; panel != NULL; panel = panel->next) {
        write_panel(w, panel);
    }
    mb_buffer_text(w->script, "\nunset multiplot\nunset output\n}\n");
}

void mb_script_write(const mb_figure *figure, mb_buffer *script, mb_buffer *csv) {
    writer w = {.figure = figure, .script = script, .table = {.ctx = figure->ctx}};
    mb_arena_init(&w.arena, figure->ctx);
    write_script(&w);
    mb_table_write(&w.table, csv);
    if (w.table.status != MB_OK && csv->status == MB_OK) {
        csv->status = w.table.status;
    }
    mb_table_clear(&w.table);
    mb_arena_clear(&w.arena);
}
