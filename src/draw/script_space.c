// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/script.h"

// Degrees by which space is turned around the vertical, and how much larger than gnuplot would.
static const double turn = 30;
static const double magnification = 0.9;

void mb_script_space(mb_script *script, const mb_panel *panel) {
    const mb_axis *z = &panel->settings.z;
    mb_buffer_format(script->text,
        "set view %.6g,%.6g,%.6g\nset xyplane 0\nset border 4095 lw 0.8 lc rgb '#999999'\n"
        "set grid x y z vertical lt 1 lw 0.6 lc rgb '#DDDDDD'\n"
        "set xtics offset 0,-0.3; set ytics offset 0.5,-0.3; set xlabel offset 0,-1\n"
        "set ylabel offset 1,-1\n",
        90 - panel->settings.elevation, turn, magnification);
    mb_buffer_format(script->text, "set zrange [%.17g:%.17g]\nset zlabel ", z->low, z->high);
    mb_script_quoted(script, "", z->hides_label ? NULL : z->label, " noenhanced rotate by 90\n");
}
