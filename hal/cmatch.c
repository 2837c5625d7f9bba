/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/match.h"

#include <stdlib.h>
#include <string.h>

#include <rte_hash_crc.h>

#include "hal/base/hmap.h"

#define HASH_BASIS 0x51u

/* All that a match is made of, and no padding. */
static uint32_t match_hash(const struct hal_cmatch *cm)
{
	uint32_t h = hash_bytes(cm->map, sizeof(cm->map), HASH_BASIS);

	return hash_bytes(cm->w, (size_t)cm->n * 2 * sizeof(cm->w[0]), h);
}

static size_t size_for(const uint64_t *mask, unsigned words)
{
	unsigned n = 0;

	for (unsigned i = 0; i < words; i++)
		n += mask[i] != 0;
	return sizeof(struct hal_cmatch) + (size_t)n * 2 * sizeof(uint64_t);
}

static void pack(struct hal_cmatch *cm, const uint64_t *value, const uint64_t *mask, unsigned words)
{
	unsigned n = 0, i, j = 0;

	cm->map[0] = cm->map[1] = 0;
	for (i = 0; i < words; i++) {
		if (!mask[i])
			continue;
		cm->map[i / 64] |= UINT64_C(1) << i % 64;
		n++;
	}
	cm->n = n;
	WORDS_FOR_EACH (i, cm->map) {
		cm->w[j] = mask[i];
		cm->w[n + j] = value[i] & mask[i];
		j++;
	}
	cm->hash = match_hash(cm);
}

size_t hal_cmatch_size(const struct hal_match *m)
{
	return size_for((const uint64_t *)&m->mask, XLATE_KEY_WORDS);
}

void hal_cmatch_init(struct hal_cmatch *cm, const struct hal_match *m)
{
	pack(cm, (const uint64_t *)&m->value, (const uint64_t *)&m->mask, XLATE_KEY_WORDS);
}

struct hal_cmatch *hal_cmatch_new(const struct hal_match *m)
{
	struct hal_cmatch *cm = malloc(hal_cmatch_size(m));

	if (cm)
		hal_cmatch_init(cm, m);
	return cm;
}

size_t hal_cmatch_size_dp(const struct hal_key *mask)
{
	return size_for((const uint64_t *)mask, HAL_KEY_WORDS);
}

void hal_cmatch_init_dp(
	struct hal_cmatch *cm, const struct hal_key *key, const struct hal_key *mask)
{
	pack(cm, (const uint64_t *)key, (const uint64_t *)mask, HAL_KEY_WORDS);
}

struct hal_cmatch *hal_cmatch_new_dp(const struct hal_key *key, const struct hal_key *mask)
{
	struct hal_cmatch *cm = malloc(hal_cmatch_size_dp(mask));

	if (cm)
		hal_cmatch_init_dp(cm, key, mask);
	return cm;
}

struct hal_cmatch *hal_cmatch_copy(const struct hal_cmatch *from)
{
	const size_t len = sizeof(*from) + 16u * from->n;
	struct hal_cmatch *to = malloc(len);

	if (to)
		memcpy(to, from, len);
	return to;
}

void hal_cmatch_expand(const struct hal_cmatch *cm, struct hal_match *m)
{
	uint64_t value[XLATE_KEY_WORDS] = {0}, mask[XLATE_KEY_WORDS] = {0};
	unsigned i, j = 0;

	WORDS_FOR_EACH (i, cm->map) {
		mask[i] = cm->w[j];
		value[i] = cm->w[cm->n + j];
		j++;
	}
	memcpy(&m->value, value, sizeof(value));
	memcpy(&m->mask, mask, sizeof(mask));
}

static bool same_map(const struct hal_cmatch *a, const struct hal_cmatch *b)
{
	return a->map[0] == b->map[0] && a->map[1] == b->map[1];
}

bool hal_cmatch_equal(const struct hal_cmatch *a, const struct hal_cmatch *b)
{
	return a->hash == b->hash && same_map(a, b) &&
	       !memcmp(a->w, b->w, (size_t)a->n * 2 * sizeof(a->w[0]));
}

bool hal_cmatch_same_mask(const struct hal_cmatch *a, const struct hal_cmatch *b)
{
	return same_map(a, b) && !memcmp(a->w, b->w, (size_t)a->n * sizeof(a->w[0]));
}

/* Words of one match, asked for in ascending order of their index. */
struct walk {
	const struct hal_cmatch *cm;
	unsigned j;
};

/* Mask and value of word i, which is 0 and 0 if the match does not touch it. */
static void walk_to(struct walk *w, unsigned i, uint64_t *mask, uint64_t *value)
{
	if (w->cm->map[i / 64] & UINT64_C(1) << i % 64) {
		*mask = w->cm->w[w->j];
		*value = w->cm->w[w->cm->n + w->j];
		w->j++;
	} else {
		*mask = 0;
		*value = 0;
	}
}

bool hal_cmatch_overlap(const struct hal_cmatch *a, const struct hal_cmatch *b)
{
	const uint64_t both[2] = {a->map[0] | b->map[0], a->map[1] | b->map[1]};
	struct walk wa = {a, 0}, wb = {b, 0};
	unsigned i;

	WORDS_FOR_EACH (i, both) {
		uint64_t ma, mb, va, vb;

		walk_to(&wa, i, &ma, &va);
		walk_to(&wb, i, &mb, &vb);
		if ((va ^ vb) & ma & mb)
			return false;
	}
	return true;
}

bool hal_cmatch_contains(const struct hal_cmatch *wide, const struct hal_cmatch *narrow)
{
	const uint64_t both[2] = {wide->map[0] | narrow->map[0], wide->map[1] | narrow->map[1]};
	struct walk ww = {wide, 0}, wn = {narrow, 0};
	unsigned i;

	WORDS_FOR_EACH (i, both) {
		uint64_t mw, mn, vw, vn;

		walk_to(&ww, i, &mw, &vw);
		walk_to(&wn, i, &mn, &vn);
		if (mw & ~mn || (vw ^ vn) & mw)
			return false;
	}
	return true;
}

bool hal_cmatch_mask_contains(const struct hal_cmatch *narrow, const struct hal_cmatch *wide)
{
	struct walk wn = {narrow, 0};
	unsigned i, j = 0;

	if (wide->map[0] & ~narrow->map[0] || wide->map[1] & ~narrow->map[1])
		return false;
	WORDS_FOR_EACH (i, narrow->map) {
		uint64_t mask, value;

		walk_to(&wn, i, &mask, &value);
		if (wide->map[i / 64] >> i % 64 & 1 && wide->w[j++] & ~mask)
			return false;
	}
	return true;
}

static uint32_t finish(uint32_t h)
{
	return hash_mix((uint64_t)h << 32 | h);
}

uint32_t hal_cmatch_key_hash(const struct hal_cmatch *cm, const void *key)
{
	const uint64_t *k = (const uint64_t *)key;
	uint32_t h = HASH_BASIS;
	unsigned i, j = 0;

	WORDS_FOR_EACH (i, cm->map)
		h = rte_hash_crc_8byte(k[i] & cm->w[j++], h);
	return finish(h);
}

uint32_t hal_cmatch_value_hash(const struct hal_cmatch *cm)
{
	uint32_t h = HASH_BASIS;

	for (unsigned j = 0; j < cm->n; j++)
		h = rte_hash_crc_8byte(cm->w[cm->n + j], h);
	return finish(h);
}
