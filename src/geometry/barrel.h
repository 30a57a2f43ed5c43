// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef GEOMETRY_BARREL_H
#define GEOMETRY_BARREL_H

#include "base/base.h"

// The tracker of the barrel study: ten cylinders of flat modules and thirty-six disks. mm, rad.

enum {
    MB_BARREL_N_VOLUMES = 3,
    MB_BARREL_N_LAYERS = 10,
    MB_BARREL_N_DISKS = 36,
    MB_BARREL_MAX_VOLID = 18
};

typedef struct mb_barrel_layer {
    int volid, layid;
    double radius;
    int n_phi, n_z;        // modules round the beam and along it
    double half_x, half_y; // of a module's face
    double tilt;           // of a module about its long axis
    double stagger;        // distance in r of neighbouring modules
    double overlap;        // of modules along the beam
    double pitch_x, pitch_z;
    double sigma_x; // resolution of local x
} mb_barrel_layer;

typedef struct mb_barrel_disk {
    int volid, layid;
    double z, r_min, r_max;
} mb_barrel_disk;

extern const mb_barrel_layer mb_barrel_layers[MB_BARREL_N_LAYERS];
extern const mb_barrel_disk mb_barrel_disks[MB_BARREL_N_DISKS];

// Volumes in the order of the images: 8, 13, 17.
typedef struct mb_barrel_volume {
    int volid;
    int first_layer, n_layers; // rows of mb_barrel_layers
} mb_barrel_volume;
extern const mb_barrel_volume mb_barrel_volumes[MB_BARREL_N_VOLUMES];

// Index into mb_barrel_volumes, or -1.
int mb_barrel_volume_of(uint64_t volid);
// The volid belongs to this tracker, endcaps included.
bool mb_barrel_volid_is_known(uint64_t volid);

#endif
