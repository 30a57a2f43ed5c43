// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// One line each; included several times with MB_CALLBACK defined.
// clang-format off
MB_CALLBACK(early_stopping)
MB_CALLBACK(reduce_lr_on_plateau)
MB_CALLBACK(model_checkpoint)
