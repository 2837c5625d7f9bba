/* SPDX-License-Identifier: Apache-2.0
 *
 * Scopes: what the megaflows of one input port look at, all masks together.
 *
 * What: the words of the datapath key that the mask of any of them touches, with the union of those
 * masks. Input port and chain are always in it.
 *
 * Why: packets that agree under a scope are the same packet to every megaflow of that port. So a
 * cache of megaflows hashes no more than that, and many connections that nobody tells apart share
 * one entry; and where a scope ends at the input port, packets need not be parsed at all.
 *
 * Thread-safety: a published scope never changes; it is replaced under RCU.
 */
#ifndef SLUICE_SWPATH_SCOPE_H
#define SLUICE_SWPATH_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_hash_crc.h>

#include "hal/key.h"
#include "hal/match.h"

struct swpath_scope {
	unsigned n; /* words; the first is that of input port and chain */
	bool parse; /* something of the packet itself is looked at */
	uint8_t word[HAL_KEY_WORDS];
	uint64_t mask[HAL_KEY_WORDS]; /* by position in `word` */
};

/* Looks at input port and chain only. */
void swpath_scope_init(struct swpath_scope *s);

/* Takes in what the mask of `match` touches. True if that was more than before. */
bool swpath_scope_add(struct swpath_scope *s, const struct hal_cmatch *match);

/* Takes in all of `more`. */
void swpath_scope_join(struct swpath_scope *s, const struct swpath_scope *more);

/* rte_hash_crc_8byte() where it need not be asked whether the processor has the instruction. */
static inline uint32_t swpath_scope_crc(uint64_t word, uint32_t crc)
{
#ifdef __SSE4_2__
	return (uint32_t)__builtin_ia32_crc32di(crc, word);
#else
	return rte_hash_crc_8byte(word, crc);
#endif
}

/* Hash of a key under the scope. */
static inline uint32_t swpath_scope_hash(const struct swpath_scope *s, const struct hal_key *key)
{
	const uint64_t *k = (const uint64_t *)key;
	uint32_t a = swpath_scope_crc(k[0] & s->mask[0], 0x51), b = 0x9e3779b9;
	unsigned i = 1;

	/* Two chains: a CRC step waits for the one before it. */
	for (; i + 1 < s->n; i += 2) {
		a = swpath_scope_crc(k[s->word[i]] & s->mask[i], a);
		b = swpath_scope_crc(k[s->word[i + 1]] & s->mask[i + 1], b);
	}
	if (i < s->n)
		a = swpath_scope_crc(k[s->word[i]] & s->mask[i], a);
	/* CRC is linear: multiplying keeps words that differ alike from falling together. */
	return (uint32_t)(((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15 >> 32);
}

#endif
