// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/firmware.h"

// Types of known firmware. Lists of an output layer's bias are read, and hold zeros.

#define STUDENT_1(accumulator, dense, norm_weight, norm_bias, norm, output)                        \
    "minbias_firmware: 1\n"                                                                        \
    "input: {shape: [252], type: '<10,10>u'}\n"                                                    \
    "layers:\n"                                                                                    \
    "  - dense: {name: dense1, units: 15, weights: w2, bias: b2, weight_type: '<2,1>',\n"          \
    "      accumulator: '" accumulator "', result: '" dense "'}\n"                                 \
    "  - scale: {name: norm, weights: s4, bias: b4, weight_type: '" norm_weight "',\n"             \
    "      bias_type: '" norm_bias "', result: '" norm "'}\n"                                      \
    "  - relu: {name: relu1, result: '<5,2>u RND SAT'}\n" output

static const char student_1_0[] =
    STUDENT_1("<20,18>", "<20,18>", "<18,3>", "<18,3>", "<15,12> RND SAT",
        "  - dense: {name: output, units: 1, weights: w6, bias: b6, weight_type: '<4,1>',\n"
        "      result: '<11,5>'}\n");

static const char student_1_1[] =
    STUDENT_1("<15,14>", "<14,13>", "<16,1>", "<10,2>", "<13,7> RND SAT",
        "  - dense: {name: output, units: 1, weights: w6, bias: b6, weight_type: '<4,1>',\n"
        "      accumulator: '<22,16>', result: '<16,8>'}\n"
        "  - relu: {name: relu2, result: '<16,8>u RND SAT'}\n");

static const char student_1_1_2[] =
    "minbias_firmware: 1\n"
    "input: {shape: [252], type: '<10,10>u'}\n"
    "layers:\n"
    "  - dense: {name: dense1, units: 16, weights: w2, bias: b2, weight_type: '<8,2>',\n"
    "      bias_type: '<8,4>', accumulator: '<26,20>'}\n"
    "  - relu: {name: relu1, result: '<10,6>u RND_CONV SAT'}\n"
    "  - dense: {name: output, units: 1, weights: w5, bias: b5, weight_type: '<12,4>',\n"
    "      accumulator: '<26,14>', result: '<26,14>'}\n"
    "  - relu: {name: relu2, result: '<16,8>u RND_CONV SAT'}\n";

static const char student_2_0[] =
    "minbias_firmware: 1\n"
    "input: {shape: [18, 14, 1], type: '<10,10>u'}\n"
    "layers:\n"
    "  - conv2d: {name: conv, units: 3, window: [3, 3], stride: [2, 2], weights: w3, bias: b3,\n"
    "      transposed: true, weight_type: '<10,0>', accumulator: '<20,8>', result: '<15,8>'}\n"
    "  - relu: {name: relu0, result: '<10,4>u RND SAT'}\n"
    "  - flatten: {name: flatten}\n"
    "  - dense: {name: dense1, units: 20, weights: w7, bias: b7, transposed: true,\n"
    "      weight_type: '<14,2>', accumulator: '<22,8>', result: '<14,8>'}\n"
    "  - relu: {name: relu1, result: '<10,4>u RND SAT'}\n"
    "  - dense: {name: output, units: 1, weights: w10, bias: b10, weight_type: '<12,2>',\n"
    "      accumulator: '<17,8>', result: '<17,8>'}\n"
    "  - relu: {name: relu2, result: '<16,8>u'}\n";

static const char student_2_2[] =
    "minbias_firmware: 1\n"
    "input: {shape: [18, 14, 1], type: '<10,10>u'}\n"
    "layers:\n"
    "  - conv2d: {name: conv, units: 4, window: [2, 2], stride: [2, 2], weights: w3, bias: b3,\n"
    "      transposed: true, weight_type: '<12,4>', accumulator: '<30,22>', result: '<30,22>'}\n"
    "  - relu: {name: relu0, result: '<10,6>u RND_CONV SAT'}\n"
    "  - flatten: {name: flatten}\n"
    "  - dense: {name: dense1, units: 16, weights: w7, bias: b7, weight_type: '<8,2>',\n"
    "      bias_type: '<8,4>', accumulator: '<26,14>', result: '<26,14>'}\n"
    "  - relu: {name: relu1, result: '<10,6>u RND_CONV SAT'}\n"
    "  - dense: {name: output, units: 1, weights: w10, bias: b10, weight_type: '<12,4>',\n"
    "      accumulator: '<26,14>', result: '<26,14>'}\n"
    "  - relu: {name: relu2, result: '<16,8>u RND_CONV SAT'}\n";

const mb_firmware_types mb_firmware_list[] = {
    {"v1", "first student: dense 15, batch normalisation, dense 1", student_1_0},
    {"v1.1", "v1 with narrower types", student_1_1},
    {"v1.1.1", "v1 with narrower types", student_1_1},
    {"v1.1.2", "dense 16 with folded normalisation, dense 1", student_1_1_2},
    {"v2", "convolution 3 filters 3x3, dense 20, dense 1", student_2_0},
    {"v2.1", "v2 trained anew; its types are taken to be v2's", student_2_0},
    {"v2.1.1", "v2 trained anew; its types are taken to be v2's", student_2_0},
    {"v2.1.2", "convolution 4 filters 2x2, dense 16, dense 1", student_2_2},
    {"v2.2.0", "convolution 4 filters 2x2, dense 16, dense 1", student_2_2},
    {NULL, NULL, NULL},
};
