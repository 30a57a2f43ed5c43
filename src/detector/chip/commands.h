// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CHIP_COMMANDS_H
#define DETECTOR_CHIP_COMMANDS_H

#include "detector/chip/chip.h"

// Fast commands: a text of lines "orbit bucket COMMAND [arguments]", # begins a comment. Commands
// are read in any case of letters.
//   BCR                    the crossing counter starts again at 0
//   LINKRESETROCT          for 256 crossings the readout chips send idle words, which count as no
//                          charge; then ports are aligned again
//   LINKRESETECONT         for 256 crossings the chip sends sync words
//   LINKRESET              both
//   OFFSET port bits       from here on a port's bits come so many bits late, 0 .. 31
//   FIXEDPATTERN n word    for n crossings all ports bring the word, 28 bits

typedef enum mb_chip_command_kind {
    MB_CHIP_BCR,
    MB_CHIP_LINKRESETROCT,
    MB_CHIP_LINKRESETECONT,
    MB_CHIP_LINKRESET,
    MB_CHIP_OFFSET,
    MB_CHIP_FIXEDPATTERN,
} mb_chip_command_kind;

typedef struct mb_chip_command {
    uint64_t crossing; // orbit * 3564 + bucket
    mb_chip_command_kind kind;
    uint64_t first, second; // arguments
} mb_chip_command;

typedef struct mb_chip_commands {
    mb_context *ctx;
    mb_chip_command *command; // in order of time
    size_t n, capacity;
} mb_chip_commands;

// The caller clears *out, also after a failure. Fails with IO, FORMAT ("file:line: ...": an unknown
// command, a wrong number of arguments, time that goes backwards), RANGE.
mb_status mb_chip_commands_read(
    mb_context *ctx, const char *path, mb_chip_commands *out) MB_MUST_CHECK;
mb_status mb_chip_commands_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    mb_chip_commands *out) MB_MUST_CHECK;
void mb_chip_commands_clear(mb_chip_commands *commands);

// What commands make of the chip, crossing by crossing.
typedef struct mb_chip_clock {
    const mb_chip_commands *commands;          // NULL: none
    uint64_t crossing;                         // of the next step
    size_t next;                               // command
    unsigned bucket;                           // of the chip's counter
    unsigned n_ports_reset, n_sync, n_pattern; // crossings left
    uint32_t pattern;
    unsigned offset[MB_CHIP_PORTS];
    uint32_t before[MB_CHIP_PORTS]; // the last link words
} mb_chip_clock;

// Begins at a crossing; earlier commands are left out.
void mb_chip_clock_init(mb_chip_clock *clock, const mb_chip_commands *commands, uint64_t crossing);
// One crossing: changes the words of the ports as commands say, gives the counter's bucket, and
// whether sync words are to be sent.
void mb_chip_clock_step(mb_chip_clock *clock, uint32_t *words, unsigned *bucket, bool *is_sync);

#endif
