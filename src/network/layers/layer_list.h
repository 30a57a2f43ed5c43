// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The kinds of layers, one a line: MB_LAYER(name) is the record mb_layer_<name> in <name>.c (or the
// family's file).
// clang-format off
MB_LAYER(input)
MB_LAYER(conv1d)
MB_LAYER(conv2d)
MB_LAYER(conv3d)
MB_LAYER(dense)
MB_LAYER(max_pooling1d)
MB_LAYER(max_pooling2d)
MB_LAYER(max_pooling3d)
MB_LAYER(flatten)
MB_LAYER(concatenate)
MB_LAYER(activation)
// clang-format on
