// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// One line each; included several times with MB_LOSS defined.
// clang-format off
MB_LOSS(binary_crossentropy)
MB_LOSS(categorical_crossentropy)
MB_LOSS(sparse_categorical_crossentropy)
MB_LOSS(mean_squared_error)
MB_LOSS(mean_absolute_error)
MB_LOSS(huber)
MB_LOSS(mean_squared_logarithmic_error)
MB_LOSS(telescope_mse)
MB_LOSS(weighted_mse)
MB_LOSS(emd)
MB_LOSS(sinkhorn)
MB_LOSS(emd_network)
MB_LOSS(hinge_embedding)
