// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The quantisers, one a line: MB_QUANTIZER(name) is the record mb_quantizer_<name> in
// quantizers/<family>.c.
// clang-format off
MB_QUANTIZER(quantized_bits)
MB_QUANTIZER(quantized_relu)
MB_QUANTIZER(quantized_tanh)
MB_QUANTIZER(quantized_sigmoid)
MB_QUANTIZER(quantized_hswish)
MB_QUANTIZER(quantized_ulaw)
MB_QUANTIZER(quantized_po2)
MB_QUANTIZER(quantized_relu_po2)
MB_QUANTIZER(binary)
MB_QUANTIZER(ternary)
MB_QUANTIZER(quantized_linear)
MB_QUANTIZER(stochastic_binary)
MB_QUANTIZER(stochastic_ternary)
MB_QUANTIZER(bernoulli)
// clang-format on
