// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// One line each; included several times with MB_METRIC defined.
// clang-format off
MB_METRIC(accuracy)
MB_METRIC(binary_accuracy)
MB_METRIC(categorical_accuracy)
MB_METRIC(sparse_categorical_accuracy)
MB_METRIC(mean_squared_error)
MB_METRIC(mean_absolute_error)
MB_METRIC(auc)
MB_METRIC(keras_auc)
MB_METRIC(distance_accuracy)
