// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_MESSAGE_PARTS_H
#define NETWORK_LAYERS_MESSAGE_PARTS_H

#include "kernels/graph.h"
#include "network/layers/message.h"
#include "network/layers/normalization.h"

// Rows worked on at a time, and areas of scratch for them beside one a hidden layer.
enum { MB_MESSAGE_BLOCK = 64, MB_MESSAGE_MOST_AREAS = 3 };

// Rows of stride numbers times a part of a dense layer's kernel, or times its transpose.
typedef struct mb_message_matrix {
    const mb_layer *layer; // NULL: there is none
    size_t row;            // of the kernel, where the part begins
    bool is_back;          // the transpose
    size_t n_in, n_out, width, stride;
    size_t at, at_bias; // in packed, floats: n_in rows of width; width numbers
    size_t at_gradient; // of a part that is not back: n_in rows of width, then the bias
    mb_footprint footprint;
    uint32_t run_offset;
    uint32_t base[MB_MESSAGE_BLOCK];
} mb_message_matrix;

// The first hidden layer has a part for each end of an edge; its bias goes with that for the
// destination. Update has parts for the nodes' own numbers and for the sums.
enum {
    MB_MESSAGE_SOURCE,
    MB_MESSAGE_DESTINATION,
    MB_MESSAGE_UPDATE,
    MB_MESSAGE_SOURCE_BACK,
    MB_MESSAGE_DESTINATION_BACK,
    MB_MESSAGE_OWN_BACK,
    MB_MESSAGE_SUM_BACK,
    MB_MESSAGE_HIDDEN, // from the first hidden layer to the second, and so on
    MB_MESSAGE_HIDDEN_BACK = MB_MESSAGE_HIDDEN + MB_MESSAGE_MOST_HIDDEN,
    MB_MESSAGE_MATRICES = MB_MESSAGE_HIDDEN_BACK + MB_MESSAGE_MOST_HIDDEN,
};

typedef struct mb_message {
    const mb_layer *last;
    const mb_activation_ops *activation; // of update; NULL: none
    bool is_softmax;
    size_t n_in, n_out, n_hidden;
    size_t stride; // of rows of nodes in a prediction, where sums are in scratch; else n_in
    size_t width[MB_MESSAGE_MOST_HIDDEN]; // of hidden rows
    mb_message_matrix matrices[MB_MESSAGE_MATRICES];
    size_t at_weights, at_shift; // the last layer as one row, and its bias
    size_t at_zero;              // as many zeros as any matrix is wide
    bool is_normalized;          // behind update
    mb_normalization normalization;
    // What is packed of it; then mean, factor and shift, update's width each.
    size_t at_normalization;
    size_t at_last_gradient; // MB_LANES numbers (the first is meant) a weight, then its bias
    size_t block_floats;     // of scratch for a block of rows of any kind
} mb_message;

void mb_message_forward(const mb_step *step, const mb_rows *rows);
void mb_message_backward(const mb_step *step, const mb_rows *rows);

// Numbers of the widest hidden rows but the first's, and for one hidden layer the first's.
static inline size_t mb_message_last_width(const mb_message *message) {
    return message->width[message->n_hidden - 1];
}

#endif
