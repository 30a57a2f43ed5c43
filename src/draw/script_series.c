// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "draw/script.h"
#include "draw/style.h"

#include <math.h>

// What the numbers of a column are.
static const char *axis_label(
    const mb_panel *panel, const mb_series_part *part, mb_column c, bool is_x) {
    const mb_panel_settings *settings = &panel->settings;
    if (c == MB_COLUMN_VALUE) {
        const bool has_label = settings->color_label != NULL && settings->color_label[0] != '\0';
        return has_label ? settings->color_label : "value";
    }
    if (c == MB_COLUMN_Z) {
        return settings->z.label != NULL ? settings->z.label : "z";
    }
    const mb_axis *axis = is_x                      ? &settings->x
                          : part->settings.is_right ? &settings->right
                                                    : &settings->y;
    return axis->label != NULL ? axis->label : is_x ? "x" : "y";
}

static size_t add_column(
    mb_script *script, const mb_panel *panel, const mb_series_part *part, mb_column c) {
    static const char *const suffix[MB_N_COLUMNS] = {
        "", "", "", " low", " high", " low", " high", " group", ""};
    const bool is_cells =
        part->settings.kind == MB_SERIES_CELLS || part->settings.kind == MB_SERIES_RHOMBI;
    const bool is_x = c == MB_COLUMN_X || c == MB_COLUMN_X_LOW || c == MB_COLUMN_X_HIGH;
    const bool is_place = is_x || (is_cells && c == MB_COLUMN_Y);
    const char *axis = axis_label(panel, part, c, is_x);
    const char *name_given = part->settings.name;
    const char *label = is_place             ? (is_cells ? name_given : NULL)
                        : name_given != NULL ? name_given
                                             : part->settings.label;
    const char *title = panel->settings.title;
    const bool is_clear = title != NULL && strcmp(axis, title) == 0;
    const bool has_many_panels =
        script->figure->n_panels > 1 && title != NULL && !is_place && !is_clear;
    char *name = mb_arena_format(&script->arena, script->figure->ctx, "%s%s%s%s%s%s",
        has_many_panels ? title : "", has_many_panels ? ": " : "", axis, label != NULL ? ": " : "",
        label != NULL ? label : "", suffix[c]);
    if (name == NULL) {
        script->table.status = MB_ERR_MEMORY;
        return 1;
    }
    return mb_table_add(&script->table, name, part->column[c], part->n);
}

// "using" of a series: its columns in the order that its gnuplot style reads them.
static void write_columns(
    mb_script *script, const mb_panel *panel, const mb_series_part *part, bool is_area) {
    size_t number[MB_N_COLUMNS] = {0};
    for (int c = 0; c < MB_N_COLUMNS; c++) {
        if (part->column[c] != NULL) {
            number[c] = add_column(script, panel, part, (mb_column)c);
        }
    }
    const size_t x = number[MB_COLUMN_X];
    const size_t y = number[MB_COLUMN_Y];
    switch (part->settings.kind) {
    case MB_SERIES_STEPS:
        mb_buffer_format(
            script->text, panel->settings.y.is_log ? "%zu:(positive($%zu))" : "%zu:%zu", x, y);
        break;
    case MB_SERIES_ERRORS:
        mb_buffer_format(script->text, "%zu:%zu:", x, y);
        if (number[MB_COLUMN_X_LOW] > 0) {
            mb_buffer_format(
                script->text, "%zu:%zu:", number[MB_COLUMN_X_LOW], number[MB_COLUMN_X_HIGH]);
        }
        mb_buffer_format(script->text, "%zu:%zu", number[MB_COLUMN_LOW], number[MB_COLUMN_HIGH]);
        break;
    case MB_SERIES_CELLS:
        mb_buffer_format(script->text, "%zu:%zu:(%.17g):(%.17g)", x, y,
            part->settings.cell_width / 2, part->settings.cell_height / 2);
        if (number[MB_COLUMN_VALUE] > 0) {
            mb_buffer_format(script->text, ":%zu", number[MB_COLUMN_VALUE]);
        }
        break;
    case MB_SERIES_SEGMENTS:
        mb_buffer_format(script->text, "%zu:%zu:($%zu - $%zu):($%zu - $%zu)", x, y,
            number[MB_COLUMN_X_HIGH], x, number[MB_COLUMN_HIGH], y);
        break;
    case MB_SERIES_RHOMBI:
        mb_buffer_format(script->text, "%zu:%zu:%zu", x, y, number[MB_COLUMN_VALUE]);
        break;
    case MB_SERIES_BALLS:
        mb_buffer_format(script->text, "%zu:%zu:%zu:(ball(%.17g * $%zu)):(glass($%zu))", x, y,
            number[MB_COLUMN_Z], part->settings.area, number[MB_COLUMN_VALUE],
            number[MB_COLUMN_VALUE]);
        break;
    case MB_SERIES_BAND:
        if (is_area) {
            mb_buffer_format(script->text,
                panel->settings.y.is_log ? "%zu:(positive($%zu)):(positive($%zu))" : "%zu:%zu:%zu",
                x, number[MB_COLUMN_LOW], number[MB_COLUMN_HIGH]);
        } else {
            mb_buffer_format(script->text, "%zu:%zu", x, y);
        }
        break;
    default:
        mb_buffer_format(script->text, "%zu:%zu", x, y);
        if (number[MB_COLUMN_SHADE] > 0) {
            mb_buffer_format(script->text, ":(shade($%zu))", number[MB_COLUMN_SHADE]);
        }
        break;
    }
}

typedef struct look {
    int line_type;
    bool is_dashed;
} look;

static void write_look(mb_script *script, const mb_series_part *part, look style) {
    char line[32];
    mb_format(line, sizeof line, "lt %d%s%s", style.line_type,
        part->settings.is_thin ? " lw 0.7" : "", style.is_dashed ? " dt 2" : "");
    const bool has_shade = part->column[MB_COLUMN_SHADE] != NULL;
    switch (part->settings.kind) {
    case MB_SERIES_LINE:
    case MB_SERIES_BAND:
        mb_buffer_format(script->text, "with lines %s", line);
        break;
    case MB_SERIES_LINE_POINTS:
        mb_buffer_format(script->text, "with linespoints %s ps 0.8", line);
        break;
    case MB_SERIES_POINTS:
    case MB_SERIES_DOTS:
        mb_buffer_format(script->text, "with points lt %d pt 7 ps %s%s", style.line_type,
            part->settings.kind == MB_SERIES_DOTS ? "0.25" : "0.5",
            has_shade ? " lc rgb variable" : "");
        break;
    case MB_SERIES_STEPS:
        mb_buffer_format(script->text, "with steps %s", line);
        break;
    case MB_SERIES_ERRORS:
        mb_buffer_format(script->text, "with %s %s ps 0.8",
            part->column[MB_COLUMN_X_LOW] != NULL ? "xyerrorbars" : "yerrorbars", line);
        break;
    case MB_SERIES_SEGMENTS:
        mb_buffer_format(script->text, "with vectors nohead %s", line);
        break;
    case MB_SERIES_BALLS:
        mb_buffer_text(script->text, "with points pt 7 ps variable lc rgb variable");
        break;
    case MB_SERIES_RHOMBI:
        // The colour bar needs a user: points without size.
        mb_buffer_text(script->text, "with points pt 7 ps 0 lc palette");
        break;
    case MB_SERIES_CELLS:
        if (part->column[MB_COLUMN_VALUE] != NULL) {
            mb_buffer_text(script->text, "with boxxyerror fs solid 1 noborder lc palette");
        } else {
            mb_buffer_format(script->text, "with boxxyerror fs solid 0.4 noborder %s", line);
        }
        break;
    }
}

static bool has_area(const mb_series_part *part) {
    return part->settings.is_filled || part->settings.kind == MB_SERIES_BAND;
}

static void write_one_plot(mb_script *script, const mb_panel *panel, const mb_series_part *part,
    look style, bool is_area) {
    mb_buffer_text(script->text, "     data skip 1 using ");
    write_columns(script, panel, part, is_area);
    mb_buffer_text(script->text, part->settings.is_right ? " axes x1y2 " : " ");
    if (is_area) {
        mb_buffer_format(script->text, "with %s lt %d fs transparent solid 0.2 noborder notitle",
            part->settings.kind == MB_SERIES_BAND ? "filledcurves" : "fillsteps", style.line_type);
        return;
    }
    write_look(script, part, style);
    if (part->settings.label != NULL) {
        mb_script_quoted(script, " title ", part->settings.label, " noenhanced");
    } else {
        mb_buffer_text(script->text, " notitle");
    }
}

// gnuplot plots no polygon whose colour comes from a file: they are objects, with their numbers.
static bool write_rhombi(mb_script *script, const mb_panel *panel) {
    bool has_any = false;
    for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
        if (part->settings.kind != MB_SERIES_RHOMBI) {
            continue;
        }
        const double *edge = part->settings.edge;
        if (!has_any) {
            mb_buffer_text(script->text, "unset border\n");
        }
        has_any = true;
        for (size_t i = 0; i < part->n; i++) {
            static const double turns[5][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}, {-1, -1}};
            const double value = part->column[MB_COLUMN_VALUE][i];
            mb_buffer_text(script->text, "set object polygon");
            for (size_t k = 0; k < MB_COUNT_OF(turns); k++) {
                mb_buffer_format(script->text, " %s %.5g,%.5g", k == 0 ? "from" : "to",
                    part->column[MB_COLUMN_X][i] +
                        (turns[k][0] * edge[0] + turns[k][1] * edge[2]) / 2,
                    part->column[MB_COLUMN_Y][i] +
                        (turns[k][0] * edge[1] + turns[k][1] * edge[3]) / 2);
            }
            if (isfinite(value)) {
                mb_buffer_format(script->text, " fc palette cb %.9g fs solid 1", value);
            } else {
                mb_buffer_text(script->text, " fs empty");
            }
            mb_buffer_text(script->text, " border lc rgb '#BBBBBB'\n");
        }
    }
    return has_any;
}

void mb_script_series(mb_script *script, const mb_panel *panel) {
    const bool has_rhombi = write_rhombi(script, panel);
    int n_given = 0;
    const bool is_space = panel->settings.z.label != NULL;
    const char *before = is_space ? "splot \\\n" : "plot \\\n";
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
        if (has_area(part)) {
            mb_buffer_text(script->text, before);
            before = ", \\\n";
            write_one_plot(script, panel, part, style, true);
        }
        mb_buffer_text(script->text, before);
        before = ", \\\n";
        write_one_plot(script, panel, part, style, false);
    }
    // Balls mix their colours themselves: the colour bar needs a user.
    mb_buffer_text(script->text, is_space ? ", NaN with points lc palette notitle\n" : "\n");
    mb_buffer_text(script->text, has_rhombi ? "unset object\n" : "");
}
