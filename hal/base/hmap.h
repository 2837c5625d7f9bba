/* SPDX-License-Identifier: Apache-2.0
 *
 * A resizable hash map of intrusive nodes: one writer, any number of readers under RCU.
 *
 * What: open addressing over an array of (hash, node) slots; the writer replaces the array when it
 * grows and retires the old one through rcu_defer().
 * Why: flows and megaflows live in ordinary memory and their tables must grow, which DPDK's hash
 * tables (in DPDK memory, of fixed size) do not.
 * Thread-safety: hmap_insert, hmap_remove, hmap_replace by one thread at a time; lookups by any
 * thread inside an RCU read side. A removed node may be freed only after a grace period.
 */
#ifndef SLUICE_HAL_BASE_HMAP_H
#define SLUICE_HAL_BASE_HMAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hmap_node {
	uint32_t hash;
};

struct hmap_slot {
	_Atomic uint32_t hash;
	_Atomic(struct hmap_node *) node; /* NULL: free; HMAP_TOMB: was removed */
};

struct hmap_array {
	uint32_t mask; /* slots - 1 */
	struct hmap_slot slots[];
};

struct hmap {
	_Atomic(struct hmap_array *) array; /* NULL while empty */
	uint32_t n;                         /* nodes */
	uint32_t used;                      /* slots in use, tombs too */
};

#define HMAP_TOMB ((struct hmap_node *)1)

void hmap_init(struct hmap *map);
void hmap_destroy(struct hmap *map); /* frees the array; no readers may be left */

int hmap_insert(struct hmap *map, struct hmap_node *node, uint32_t hash); /* 0 or -ENOMEM */
void hmap_remove(struct hmap *map, struct hmap_node *node);

/* Puts `to` where `from` is, with the same hash: readers see one or the other. */
void hmap_replace(struct hmap *map, struct hmap_node *from, struct hmap_node *to);

static inline uint32_t hmap_count(const struct hmap *map)
{
	return map->n;
}

/* Iteration over nodes of one hash, or over all. Under RCU, or by the writer, which may remove the
 * current node while it iterates. */
struct hmap_cursor {
	const struct hmap_array *array;
	uint32_t i, left, hash;
};

struct hmap_node *hmap_first_hash(const struct hmap *map, uint32_t hash, struct hmap_cursor *c);
struct hmap_node *hmap_next_hash(struct hmap_cursor *c);
struct hmap_node *hmap_first(const struct hmap *map, struct hmap_cursor *c);
struct hmap_node *hmap_next(struct hmap_cursor *c);

/* The struct that `node` is in, or NULL for NULL. Evaluates `node` once. */
static inline void *hmap_entry(struct hmap_node *node, size_t offset)
{
	return node ? (char *)node - offset : NULL;
}

#define HMAP_ENTRY(node, type, member) ((type *)hmap_entry((node), offsetof(type, member)))

#define HMAP_FOR_EACH_HASH(pos, type, member, h, map)                                             \
	for (struct hmap_cursor c_##pos, *once_##pos = &c_##pos; once_##pos; once_##pos = NULL)   \
		for (type *pos = HMAP_ENTRY(hmap_first_hash((map), (h), &c_##pos), type, member); \
			pos; pos = HMAP_ENTRY(hmap_next_hash(&c_##pos), type, member))

#define HMAP_FOR_EACH(pos, type, member, map)                                                   \
	for (struct hmap_cursor c_##pos, *once_##pos = &c_##pos; once_##pos; once_##pos = NULL) \
		for (type *pos = HMAP_ENTRY(hmap_first((map), &c_##pos), type, member); pos;    \
			pos = HMAP_ENTRY(hmap_next(&c_##pos), type, member))

/* A good 32-bit hash of bytes or words (CRC32 with finishing). */
uint32_t hash_bytes(const void *data, size_t len, uint32_t basis);
static inline uint32_t hash_mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	return (uint32_t)(x ^ (x >> 32));
}

#endif
