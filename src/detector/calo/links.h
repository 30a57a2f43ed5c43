// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_LINKS_H
#define DETECTOR_CALO_LINKS_H

#include "base/buffer.h"
#include "files/lines.h"

// Test vectors of the trigger's optical links: 36 links carry an event in four words of 32 bits
// each, word 0 the lowest. Region r of a link is the 16-bit field at bit 8 + 16 r of these 128
// bits; region r of link l is region 7 l + r = 14 phi + eta of the event.
//
// The file: lines of '=', the line "WordCnt LINK_00 ... LINK_35", the line "#BeginData", then lines
// of a word counter 0xNNNN and 36 hexadecimal words between blanks or tabs, four lines an event.

enum {
    MB_CALO_N_LINKS = 36,
    MB_CALO_LINK_REGIONS = 7,
    MB_CALO_LINK_WORDS = 4,
    MB_CALO_SCORE_WORDS = 6
};

// The 16-bit field of a region.
typedef struct mb_calo_field {
    uint16_t et;                  // 0 .. 1023, counts of 0.5 GeV
    uint8_t eg_veto, tau_veto;    // 0 or 1
    uint8_t local_phi, local_eta; // 0 .. 3
} mb_calo_field;
mb_calo_field mb_calo_field_unpack(uint16_t bits);
uint16_t mb_calo_field_pack(mb_calo_field field);
void mb_calo_link_unpack(
    const uint32_t word[MB_CALO_LINK_WORDS], uint16_t bits[MB_CALO_LINK_REGIONS]);
void mb_calo_link_pack(
    const uint16_t bits[MB_CALO_LINK_REGIONS], uint32_t word[MB_CALO_LINK_WORDS]);

typedef struct mb_calo_links {
    mb_context *ctx;
    uint16_t *bits; // (n_events, 252) fields
    size_t n_events, capacity;
    uint64_t n_stray; // links of an event with bits outside all fields, which are not kept
} mb_calo_links;

// Reads a file, plain or gzip. The caller clears *out, also after a failure. Fails with IO, FORMAT
// ("file:line: ...": no #BeginData, a wrong number of columns, a word counter out of order, a word
// that is not hexadecimal, lines that are not divisible by four), LIMIT.
mb_status mb_calo_links_read(mb_calo_links *out, mb_context *ctx, const char *path) MB_MUST_CHECK;
// The same for a text in memory; name is for messages.
mb_status mb_calo_links_parse(mb_calo_links *out, mb_context *ctx, const char *name,
    const char *text, size_t length) MB_MUST_CHECK;
void mb_calo_links_clear(mb_calo_links *links);
// Appends the file that carries n_events events, bits: (n_events, 252).
void mb_calo_links_write(mb_buffer *text, const uint16_t *bits, size_t n_events);

// Scores of a file of words: framed as above with any number of links, of which link is taken, six
// lines an event; or, without #BeginData, words between blanks, commas and line ends, six an event
// (link is then not looked at). *scores (n) is freed with mb_release. Fails as mb_calo_links_read,
// and with RANGE (no such link).
mb_status mb_calo_scores_read(
    mb_context *ctx, const char *path, size_t link, double **scores, size_t *n) MB_MUST_CHECK;
mb_status mb_calo_scores_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    size_t link, double **scores, size_t *n) MB_MUST_CHECK;

#endif
