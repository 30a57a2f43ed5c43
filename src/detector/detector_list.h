// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The detectors, one a line: MB_DETECTOR(name) is the record mb_detector_<name>.
// clang-format off
MB_DETECTOR(barrel)
MB_DETECTOR(calo)
MB_DETECTOR(concentrator)
MB_DETECTOR(ecal)
MB_DETECTOR(tracks)
// clang-format on
