// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/script.h"
#include "draw/style.h"

#include <math.h>

// Panels side by side from which on their numbers are written small.
enum { MANY_COLUMNS = 4 };

// Inches of the space that the panels leave for names, and of the legend beside all of them, at the
// usual size of letters.
static const double left_space = 1;
static const double bottom_space = 0.8;
static const double between_space = 1.1;
static const double right_space = 0.8;
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

static bool has_right_axis(const mb_figure *figure) {
    for (const mb_panel *panel = figure->first; panel != NULL; panel = panel->next) {
        if (panel->settings.right.label != NULL) {
            return true;
        }
    }
    return false;
}

static double scale_of(const mb_figure *figure) {
    return figure->font_size / (double)MB_FONT_SIZE;
}

// Where the legend starts, right of the panels.
static double legend_start(const mb_figure *figure) {
    return scale_of(figure) * (0.15 + (has_right_axis(figure) ? right_space : 0));
}

static double outer_legend_width(const mb_figure *figure) {
    size_t longest = 0;
    for (const mb_panel *panel = figure->first; panel != NULL; panel = panel->next) {
        for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
            const char *label = part->settings.label;
            longest = mb_max_size(longest, label != NULL ? strlen(label) : 0);
        }
    }
    const double width =
        legend_start(figure) + scale_of(figure) * (legend_sample + letter_width * (double)longest);
    return fmin(width, figure->width / 2);
}

static double top_space(const mb_figure *figure) {
    return scale_of(figure) * (figure->title != NULL ? 0.85 : 0.5);
}

static void write_legend_place(mb_script *script, mb_legend legend) {
    const mb_figure *figure = script->figure;
    switch (legend) {
    case MB_LEGEND_TOP_LEFT:
        mb_buffer_text(script->text, "inside top left Left reverse");
        break;
    case MB_LEGEND_BOTTOM_RIGHT:
        mb_buffer_text(script->text, "inside bottom right Right noreverse");
        break;
    case MB_LEGEND_BOTTOM_LEFT:
        mb_buffer_text(script->text, "inside bottom left Left reverse");
        break;
    case MB_LEGEND_OUTSIDE:
        if (figure->n_panels == 1) {
            mb_buffer_text(script->text, "outside right top Left reverse");
            break;
        }
        mb_buffer_format(script->text, "at screen %.4f, %.4f left top Left reverse",
            1 - (outer_legend_width(figure) - legend_start(figure)) / figure->width,
            1 - top_space(figure) / figure->height);
        break;
    default:
        mb_buffer_text(script->text, "inside top right Right noreverse");
        break;
    }
}

static void write_legend(mb_script *script, const mb_panel *panel) {
    if (panel->settings.legend == MB_LEGEND_NONE) {
        mb_buffer_text(script->text, "set key off\n");
        return;
    }
    // A fresh key: the old place would stay otherwise.
    mb_buffer_text(script->text, "set key default; set key samplen 2 spacing 1.1\nset key on ");
    write_legend_place(script, panel->settings.legend);
    if (panel->settings.legend_title != NULL) {
        mb_script_quoted(script, " title ", panel->settings.legend_title, " noenhanced\n");
    } else {
        mb_buffer_text(script->text, " notitle\n");
    }
}

// All panels of one size, with room for the legend on the right.
static void write_margins(mb_script *script) {
    const mb_figure *figure = script->figure;
    const double scale = scale_of(figure);
    const double between = between_space + (has_right_axis(figure) ? right_space / 2 : 0);
    mb_buffer_format(script->text, " margins %.4f,%.4f,%.4f,%.4f spacing %.4f,%.4f",
        scale * left_space / figure->width, 1 - outer_legend_width(figure) / figure->width,
        scale * bottom_space / figure->height, 1 - top_space(figure) / figure->height,
        scale * between / figure->width, scale * (bottom_space + 0.3) / figure->height);
}

static bool is_none(mb_extent e) {
    return !(e.low <= e.high);
}

static bool is_empty_panel(const mb_panel *panel) {
    return is_none(mb_panel_extent(panel, MB_AXIS_X)) ||
           (is_none(mb_panel_extent(panel, MB_AXIS_LEFT)) &&
               is_none(mb_panel_extent(panel, MB_AXIS_RIGHT)));
}

static mb_extent values_of(const mb_panel *panel) {
    mb_extent e = mb_no_extent;
    for (const mb_series_part *part = panel->first_series; part != NULL; part = part->next) {
        mb_extent_add(&e, part, MB_COLUMN_VALUE, false);
    }
    return e;
}

// The scale of all images of the figure that have none of their own.
static mb_extent common_values(const mb_figure *figure) {
    mb_extent e = mb_no_extent;
    for (const mb_panel *panel = figure->first; panel != NULL; panel = panel->next) {
        if (!panel->settings.colors.has_range) {
            const mb_extent values = values_of(panel);
            e.low = fmin(e.low, values.low);
            e.high = fmax(e.high, values.high);
        }
    }
    return e;
}

static void write_colors(mb_script *script, const mb_panel *panel) {
    const mb_color_scale *colors = &panel->settings.colors;
    if (is_none(values_of(panel)) && !colors->has_range) {
        return;
    }
    const mb_extent common = common_values(script->figure);
    const double low = colors->has_range ? colors->low : common.low;
    double high = colors->has_range ? colors->high : common.high;
    // One count is not red where there are no more; a single value still has a scale.
    high = colors->palette == MB_PALETTE_COUNTS ? fmax(high, low + 3) : high;
    high = high > low ? high : low + fmax(1e-6, fabs(low) / 1000);
    mb_buffer_format(script->text, "set palette defined (%s)\nset cbrange [%.17g:%.17g]\n",
        mb_palette_scripts[colors->palette], low, high);
    if (panel->settings.color_label != NULL) {
        const mb_place *bar = &panel->settings.color_bar;
        if (bar->left < bar->right && bar->bottom < bar->top) {
            mb_buffer_format(script->text, "set colorbox user origin %.6g,%.6g size %.6g,%.6g\n",
                bar->left, bar->bottom, bar->right - bar->left, bar->top - bar->bottom);
        } else {
            mb_buffer_text(script->text, "set colorbox default\n");
        }
        mb_script_quoted(
            script, "set cblabel ", panel->settings.color_label, " noenhanced offset 1.5,0\n");
    }
}

static void write_place(mb_script *script, const mb_panel *panel) {
    const mb_place *place = &panel->settings.place;
    if (place->left < place->right && place->bottom < place->top) {
        mb_buffer_format(script->text,
            "set lmargin at screen %.6g; set rmargin at screen %.6g; "
            "set bmargin at screen %.6g; set tmargin at screen %.6g\n",
            place->left, place->right, place->bottom, place->top);
    }
    if (panel->settings.aspect > 0) {
        mb_buffer_format(script->text, "set size ratio %.6g\n", panel->settings.aspect);
    }
}

static void write_panel(mb_script *script, const mb_panel *panel) {
    const bool is_empty = is_empty_panel(panel);
    mb_buffer_text(script->text,
        "\nunset arrow; unset label; unset logscale; unset colorbox; unset y2tics; unset y2label\n"
        "set border 3; set size noratio\n"
        "set format '%h'; set xtics auto; set ytics auto\n");
    mb_script_quoted(script, "set title ", panel->settings.title, " noenhanced\n");
    write_place(script, panel);
    mb_script_axis(script, panel, MB_AXIS_X, is_empty);
    mb_script_axis(script, panel, MB_AXIS_LEFT, is_empty);
    if (panel->settings.right.label != NULL) {
        mb_buffer_text(script->text, "set border 11; set y2tics auto\n");
        mb_script_axis(script, panel, MB_AXIS_RIGHT, is_empty);
    }
    write_legend(script, panel);
    mb_script_marks(script, panel, is_empty);
    write_colors(script, panel);
    if (panel->settings.is_bare) {
        mb_buffer_text(script->text, "set border 0; unset xtics; unset ytics\nplot NaN notitle\n"
                                     "set xtics nomirror; set ytics nomirror\n");
        return;
    }
    if (panel->settings.z.label != NULL && !is_empty) {
        mb_script_space(script, panel);
    }
    if (is_empty) {
        mb_buffer_text(script->text, "set label 'no entries' at graph 0.5, graph 0.5 center "
                                     "tc rgb '#777777'\nplot NaN notitle\n");
    } else {
        mb_script_series(script, panel);
    }
}

static void write_picture_terminals(mb_script *script, int width, int height) {
    mb_buffer_format(script->text,
        "if (picture eq 'svg') {\n"
        "    set terminal svg size %d,%d enhanced font 'sans-serif,%d' background '#FFFFFF'\n"
        "} else { if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {\n"
        "    set terminal pngcairo size %d,%d enhanced font 'sans-serif,%d' fontscale %d "
        "linewidth %d pointscale %d\n"
        "} else {\n"
        "    set terminal png size %d,%d enhanced truecolor\n"
        "} }\n",
        width, height, script->figure->font_size, width * MB_PNG_SCALE, height * MB_PNG_SCALE,
        script->figure->font_size, MB_PNG_SCALE, MB_PNG_SCALE, MB_PNG_SCALE, width, height);
}

// The single frames are as large as the film.
static void write_film_terminals(mb_script *script, int width, int height) {
    const int font_size = script->figure->font_size;
    mb_buffer_format(script->text,
        "if (picture eq 'gif') {\n"
        "    set terminal gif animate delay %d loop 0 size %d,%d enhanced font 'sans-serif,%d'\n"
        "}\n"
        "if (picture eq 'frames' && strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {\n"
        "    set terminal pngcairo size %d,%d enhanced font 'sans-serif,%d' fontscale 1 "
        "linewidth 1 pointscale 1\n"
        "}\n",
        script->figure->frame_milliseconds / 10, width, height, font_size, width, height,
        font_size);
}

// The script is read once a picture: gnuplot takes the text of a loop anew for every command in it,
// which makes large figures ten times slower.
static void write_terminals(mb_script *script) {
    const int width = (int)(script->figure->width * MB_PIXELS_PER_INCH);
    const int height = (int)(script->figure->height * MB_PIXELS_PER_INCH);
    const bool is_film = script->figure->frame_milliseconds > 0;
    mb_buffer_text(script->text,
        is_film ? "pictures = strstrt(GPVAL_TERMINALS, ' gif') > 0 ? 'svg png frames gif' : "
                  "'svg png frames'\n"
                : "pictures = 'svg png'\n");
    mb_buffer_text(script->text, "turn = exists('turn') && turn < words(pictures) ? turn + 1 : 1\n"
                                 "picture = word(pictures, turn)\n");
    write_picture_terminals(script, width, height);
    if (is_film) {
        write_film_terminals(script, width, height);
    }
    mb_buffer_format(script->text,
        is_film ? "if (picture ne 'frames') { set output '%s.'.picture }\n"
                : "set output '%s.'.picture\n",
        script->figure->name);
}

static void write_multiplot(mb_script *script, size_t n_rows, size_t n_columns) {
    const mb_figure *figure = script->figure;
    mb_buffer_format(script->text, "set multiplot layout %zu,%zu", n_rows, n_columns);
    if (figure->title != NULL) {
        mb_script_quoted(script, " title ", figure->title, " noenhanced");
    }
    if (n_rows * n_columns > 1 && has_outer_legend(figure)) {
        write_margins(script);
    }
    mb_buffer_text(script->text, "\n");
}

static void write_panels(mb_script *script) {
    const mb_figure *figure = script->figure;
    const size_t n_columns = figure->n_columns > 0 ? figure->n_columns : figure->n_panels;
    const size_t n_rows = n_columns > 0 ? (figure->n_panels + n_columns - 1) / n_columns : 1;
    write_multiplot(script, mb_max_size(n_rows, 1), mb_max_size(n_columns, 1));
    if (n_columns >= MANY_COLUMNS) {
        mb_buffer_text(script->text, "set tics font ',10'\n");
    }
    for (const mb_panel *panel = figure->first; panel != NULL; panel = panel->next) {
        write_panel(script, panel);
    }
    mb_buffer_text(script->text, "\nunset multiplot\n");
}

// The loop over panels stands in the script, so that each picture takes its panels out of it.
static void write_film(mb_script *script) {
    size_t i = 0;
    for (const mb_panel *panel = script->figure->first; panel != NULL; panel = panel->next) {
        mb_buffer_text(script->text, panel->next != NULL
                                         ? "if (picture eq 'gif' || picture eq 'frames') {\n"
                                         : "if (1) {\n");
        mb_buffer_format(script->text, "if (picture eq 'frames') { set output '%s_%02zu.png' }\n",
            script->figure->name, i++);
        write_multiplot(script, 1, 1);
        write_panel(script, panel);
        mb_buffer_text(script->text, "\nunset multiplot\n}\n");
    }
}

static void write_script(mb_script *script) {
    const mb_figure *figure = script->figure;
    mb_buffer_text(script->text, "# caption: ");
    mb_clean_text(script->text, figure->caption);
    mb_buffer_format(script->text, "\n# Draws %s.svg and %s.png: gnuplot %s.gp\n", figure->name,
        figure->name, figure->name);
    mb_buffer_text(script->text, mb_style_script);
    mb_buffer_format(script->text, "data = '%s.csv'\n", figure->name);
    write_terminals(script);
    if (figure->frame_milliseconds > 0) {
        write_film(script);
    } else {
        write_panels(script);
    }
    mb_buffer_text(script->text, "unset output\nif (turn < words(pictures)) reread\n");
}

static void write_extras(mb_script *script) {
    for (const mb_extra_column *column = script->figure->first_extra; column != NULL;
         column = column->next) {
        if (column->text != NULL) {
            mb_table_add_texts(&script->table, column->name, column->text, column->n);
        } else {
            mb_table_add(&script->table, column->name, column->value, column->n);
        }
    }
}

void mb_script_write(const mb_figure *figure, mb_buffer *text, mb_buffer *csv) {
    mb_script script = {.figure = figure, .text = text, .table = {.ctx = figure->ctx}};
    mb_arena_init(&script.arena, figure->ctx);
    write_extras(&script);
    write_script(&script);
    mb_table_write(&script.table, csv);
    if (script.table.status != MB_OK && csv->status == MB_OK) {
        csv->status = script.table.status;
    }
    mb_table_clear(&script.table);
    mb_arena_clear(&script.arena);
}
