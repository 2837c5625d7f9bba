/* SPDX-License-Identifier: Apache-2.0
 *
 * Matches: a value and a mask over a key.
 *
 * What: struct hal_match is the roomy form in which matches are built and printed; struct
 * hal_cmatch is the compact, immutable form in which flows, megaflows and rules keep them (only
 * the 64-bit words that the mask touches).
 * Invariant: value bits outside the mask are 0.
 * Thread-safety: plain data; a hal_cmatch never changes once made.
 */
#ifndef SLUICE_HAL_MATCH_H
#define SLUICE_HAL_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/field.h"
#include "hal/key.h"

struct hal_match {
	struct xlate_key value;
	struct xlate_key mask;
};

/* The words of a key that a mask touches: bit i of map[i / 64] stands for word i. Words of the
 * datapath key are all in map[0]. */
struct hal_cmatch {
	uint64_t map[2];
	uint32_t n;    /* words touched */
	uint32_t hash; /* of map, masks and values: equal matches have equal hashes */
	uint64_t w[];  /* n mask words, then n value words */
};

/* Loops `i` over the word indices in a map of two uint64_t. */
#define WORDS_FOR_EACH(i, map) \
	for (struct hal_words_iter it_ = hal_words_begin(map); hal_words_next(&it_, &(i));)

struct hal_words_iter {
	uint64_t rest[2];
};

static inline struct hal_words_iter hal_words_begin(const uint64_t map[2])
{
	return (struct hal_words_iter){{map[0], map[1]}};
}

static inline bool hal_words_next(struct hal_words_iter *it, unsigned *i)
{
	unsigned half = it->rest[0] ? 0 : 1;

	if (!it->rest[half])
		return false;
	*i = half * 64 + (unsigned)__builtin_ctzll(it->rest[half]);
	it->rest[half] &= it->rest[half] - 1;
	return true;
}

/* Sets a field of a match. `value` and `mask` in wire form, NULL mask: exact. */
void hal_match_set(
	struct hal_match *m, enum hal_field_id id, const uint8_t *value, const uint8_t *mask);
void hal_match_set_u64(struct hal_match *m, enum hal_field_id id, uint64_t value);

/* Makes the compact form over the whole translation key, or (`hal_cmatch_new_dp`) over a datapath
 * key and mask; `key` bits outside `mask` are dropped. Returns NULL if memory ran out. The caller
 * frees with free(). */
struct hal_cmatch *hal_cmatch_new(const struct hal_match *m);
struct hal_cmatch *hal_cmatch_new_dp(const struct hal_key *key, const struct hal_key *mask);
struct hal_cmatch *hal_cmatch_copy(const struct hal_cmatch *from);

/* The same in memory of the caller's, of at least so many bytes. */
size_t hal_cmatch_size(const struct hal_match *m);
void hal_cmatch_init(struct hal_cmatch *cm, const struct hal_match *m);
size_t hal_cmatch_size_dp(const struct hal_key *mask);
void hal_cmatch_init_dp(
	struct hal_cmatch *cm, const struct hal_key *key, const struct hal_key *mask);

/* Unpacks into the roomy form. */
void hal_cmatch_expand(const struct hal_cmatch *cm, struct hal_match *m);

bool hal_cmatch_equal(const struct hal_cmatch *a, const struct hal_cmatch *b);
bool hal_cmatch_same_mask(const struct hal_cmatch *a, const struct hal_cmatch *b);

/* True if `key` matches. The key is read up to the last word in the map: a datapath match takes a
 * struct hal_key. */
static inline bool hal_cmatch_covers(const struct hal_cmatch *cm, const void *key)
{
	const uint64_t *k = (const uint64_t *)key;
	unsigned i, j = 0;

	WORDS_FOR_EACH (i, cm->map) {
		if ((k[i] & cm->w[j]) != cm->w[cm->n + j])
			return false;
		j++;
	}
	return true;
}

/* The same for a match over a datapath key, without a branch for each word. */
static inline bool hal_cmatch_covers_dp(const struct hal_cmatch *cm, const struct hal_key *key)
{
	const uint64_t *k = (const uint64_t *)key, *mask = cm->w, *value = cm->w + cm->n;
	uint64_t differ = 0;

	for (uint64_t map = cm->map[0]; map; map &= map - 1)
		differ |= (k[__builtin_ctzll(map)] & *mask++) ^ *value++;
	return !differ;
}

/* True if `narrow` has every mask bit of `wide`. */
bool hal_cmatch_mask_contains(const struct hal_cmatch *narrow, const struct hal_cmatch *wide);

/* True if some packet could match both. */
bool hal_cmatch_overlap(const struct hal_cmatch *a, const struct hal_cmatch *b);

/* True if every packet that matches `narrow` matches `wide` (OpenFlow's non-strict match). */
bool hal_cmatch_contains(const struct hal_cmatch *wide, const struct hal_cmatch *narrow);

/* Hash of the words of `key` under the mask words of `cm`. Two keys that agree under the mask have
 * equal hashes; hal_cmatch_value_hash() is the same over cm's own values. */
uint32_t hal_cmatch_key_hash(const struct hal_cmatch *cm, const void *key);
uint32_t hal_cmatch_value_hash(const struct hal_cmatch *cm);

/* The fields that `mask` touches, most specific interpretation: the members that several fields
 * share are named by the ethertype and protocol in value/mask. Whole-member fields come before
 * parts (VLAN_VID rather than VLAN_TCI if only VID bits are set). Calls `cb` once for each field,
 * with value and mask in wire form; stops when cb returns non-zero and returns that. `len` is the
 * number of key bytes given: sizeof(struct hal_key) or sizeof(struct xlate_key). */
typedef int hal_match_field_cb(
	void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask);
int hal_match_fields(
	const void *value, const void *mask, size_t len, hal_match_field_cb *cb, void *ctx);

/* Prints "tcp,in_port=1,nw_dst=10.0.0.0/8" style text (no spaces); "" for a match on nothing.
 * `dp` says that value/mask are datapath keys. Returns the length as snprintf does. */
int hal_match_format(const void *value, const void *mask, bool dp, char *buf, size_t n);
int hal_cmatch_format(const struct hal_cmatch *cm, char *buf, size_t n);

/* Parses one "name=value[/mask]" or a protocol word ("ip", "tcp6", "arp", ...) into `m`. Returns
 * 0, -ENOENT if `name` is no field or word, -EINVAL with a message. `value` may be NULL. */
int hal_match_parse_token(
	struct hal_match *m, const char *name, const char *value, char *err, size_t n);

#endif
