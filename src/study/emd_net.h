// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_EMD_NET_H
#define STUDY_EMD_NET_H

#include "study/run.h"

// Networks that tell the earth mover's distance of two modules from their charges at unit sum: a
// loss for autoencoders (emd:NAME). The two images go through the same layers in both orders, and
// the mean of the two is the result.

enum { MB_EMD_PAIRS_REAL, MB_EMD_PAIRS_AE, MB_EMD_PAIRS_BOTH };

// One entry of emd_nets:.
typedef struct mb_emd_net {
    const char *name;
    int pairs;
    const char *of;       // the model whose reconstructions are used; NULL: none
    mb_sizes conv, dense; // [filters, kernel, convolutions], [neurons, dense layers]
    const mb_node *loss, *optimizer, *callbacks;
    size_t epochs, batch, repeats, rows;
} mb_emd_net;
extern const mb_option mb_emd_net_table[];

// Reads and checks the map emd_nets: of a study (NULL: none) into its arena.
mb_status mb_emd_nets_read(mb_context *ctx, mb_document *document, const mb_node *map,
    mb_emd_net **out, size_t *n) MB_MUST_CHECK;

// Rows of 48 charges; restored (as many rows) may be NULL where no pairs of an autoencoder are
// asked for.
typedef struct mb_emd_net_data {
    const float *charges, *restored;
    size_t n;
} mb_emd_net_data;

// Trains all repeats, one after the other, into DIRECTORY/NAME-0 ..., and stores the best by
// validation loss as DIRECTORY/NAME/model.h5. Writes DIRECTORY/NAME/repeats.csv, and pairs.csv with
// true and told distances of the validation pairs, and (draws) a picture of them in plots/. Lines
// go to the run's journal.
mb_status mb_emd_net_train(mb_run *run, const mb_emd_net *net, const mb_emd_net_data *data,
    uint64_t seed, const char *directory, bool draws) MB_MUST_CHECK;

#endif
