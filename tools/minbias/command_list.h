// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The commands in the order help shows them, one a line: COMMAND(name) is the record
// command_<name>.
// clang-format off
COMMAND(tour)
COMMAND(new)
COMMAND(check)
COMMAND(inspect)
COMMAND(simulate)
COMMAND(run)
COMMAND(prepare)
COMMAND(train)
COMMAND(evaluate)
COMMAND(report)
COMMAND(predict)
COMMAND(summary)
COMMAND(convert)
COMMAND(scan)
COMMAND(roc)
COMMAND(cluster)
COMMAND(emd)
COMMAND(calo)
COMMAND(econt)
COMMAND(elinks)
COMMAND(help)
// clang-format on
