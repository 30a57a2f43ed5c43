// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// One line each; included several times with MB_OPTIMIZER defined.
// clang-format off
MB_OPTIMIZER(sgd)
MB_OPTIMIZER(rmsprop)
MB_OPTIMIZER(adam)
MB_OPTIMIZER(adamw)
MB_OPTIMIZER(adamax)
MB_OPTIMIZER(nadam)
