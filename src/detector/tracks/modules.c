// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/modules.h"

#include "base/math.h"
#include "files/csv.h"
#include "geometry/barrel.h"

#include <math.h>

double mb_tracks_half_length(size_t layer) {
    return layer < 4 ? 491 : 1084;
}

void mb_tracks_layer_ids(size_t layer, int64_t *volume, int64_t *id) {
    *volume = mb_barrel_layers[layer].volid;
    *id = mb_barrel_layers[layer].layid;
}

static int place_of(double offset, double width, int n) {
    const double place = floor(offset / width);
    return place < 0 ? 0 : place >= n ? n - 1 : (int)place;
}

int64_t mb_tracks_module_of(size_t layer, const float *place) {
    const mb_barrel_layer *l = &mb_barrel_layers[layer];
    const double half = mb_tracks_half_length(layer);
    const double phi = mb_atan2((double)place[1], (double)place[0]);
    const int ring = place_of((double)place[2] + half, 2 * half / l->n_z, l->n_z);
    return 1 + (int64_t)ring * l->n_phi + place_of(phi + MB_PI, 2 * MB_PI / l->n_phi, l->n_phi);
}

static void put_module(mb_buffer *out, size_t layer, int ring, int stave) {
    const mb_barrel_layer *l = &mb_barrel_layers[layer];
    const double half_z = mb_tracks_half_length(layer) / l->n_z;
    const double half_phi = MB_PI / l->n_phi;
    const double phi = (2 * stave + 1) * half_phi - MB_PI;
    const double x = mb_cos(phi);
    const double y = mb_sin(phi);
    const double centre[3] = {
        l->radius * x, l->radius * y, (2 * ring + 1) * half_z - mb_tracks_half_length(layer)};
    // Columns are the axes u, v and w.
    const double rotation[9] = {-y, 0, x, x, 0, y, 0, 1, 0};
    const double half_u = l->radius * mb_sin(half_phi);
    const double sizes[6] = {
        l->radius * (1 - mb_cos(half_phi)), half_u, half_u, half_z, l->pitch_x, l->pitch_z};
    int64_t volume = 0;
    int64_t id = 0;
    mb_tracks_layer_ids(layer, &volume, &id);
    mb_csv_put_int64(out, true, volume);
    mb_csv_put_int64(out, false, id);
    mb_csv_put_int64(out, false, 1 + (int64_t)ring * l->n_phi + stave);
    for (size_t i = 0; i < 3; i++) {
        mb_csv_put_float(out, false, (float)centre[i]);
    }
    for (size_t i = 0; i < 9; i++) {
        mb_csv_put_float(out, false, (float)rotation[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        mb_csv_put_float(out, false, (float)sizes[i]);
    }
    mb_csv_end_row(out);
}

void mb_tracks_put_detectors(mb_buffer *out) {
    mb_buffer_text(out,
        "volume_id,layer_id,module_id,cx,cy,cz,rot_xu,rot_xv,rot_xw,rot_yu,rot_yv,rot_yw,rot_zu,"
        "rot_zv,rot_zw,module_t,module_minhu,module_maxhu,module_hv,pitch_u,pitch_v\n");
    for (size_t layer = 0; layer < MB_BARREL_N_LAYERS; layer++) {
        for (int ring = 0; ring < mb_barrel_layers[layer].n_z; ring++) {
            for (int stave = 0; stave < mb_barrel_layers[layer].n_phi; stave++) {
                put_module(out, layer, ring, stave);
            }
        }
    }
}
