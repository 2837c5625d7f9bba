/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/base/hmap.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_hash_crc.h>

#include "hal/base/rcu.h"

/*
 * Collisions go to the next slot. A chain ends at a free slot, so a removed node leaves a tomb
 * unless the chain ends right behind it.
 *
 * A slot is published by the release store of its node; its hash is stored before. A reader loads
 * the node first, so the hash that it loads then is that node's or, if the slot was used again in
 * between, a later one: node->hash has the last word.
 */

#define MIN_SLOTS 8u

void hmap_init(struct hmap *map)
{
	atomic_init(&map->array, NULL);
	map->n = 0;
	map->used = 0;
}

void hmap_destroy(struct hmap *map)
{
	free(atomic_load_explicit(&map->array, memory_order_relaxed));
	hmap_init(map);
}

static struct hmap_node *slot_node(const struct hmap_slot *slot)
{
	return atomic_load_explicit(
		&((struct hmap_slot *)(uintptr_t)slot)->node, memory_order_acquire);
}

static uint32_t slot_hash(const struct hmap_slot *slot)
{
	return atomic_load_explicit(
		&((struct hmap_slot *)(uintptr_t)slot)->hash, memory_order_relaxed);
}

static struct hmap_array *map_array(const struct hmap *map)
{
	return atomic_load_explicit(&((struct hmap *)(uintptr_t)map)->array, memory_order_acquire);
}

static bool is_node(const struct hmap_node *node)
{
	return node && node != HMAP_TOMB;
}

/* Takes the first slot of the hash's chain that holds no node. There is one. Returns true if the
 * slot was free rather than a tomb. */
static bool array_put(struct hmap_array *array, struct hmap_node *node)
{
	uint32_t i = node->hash & array->mask;
	struct hmap_node *old;

	while (is_node(old = slot_node(&array->slots[i])))
		i = (i + 1) & array->mask;
	atomic_store_explicit(&array->slots[i].hash, node->hash, memory_order_relaxed);
	atomic_store_explicit(&array->slots[i].node, node, memory_order_release);
	return !old;
}

/* Moves all nodes into an array that is at most half full with one node more. */
static int resize(struct hmap *map)
{
	struct hmap_array *old = map_array(map), *array;
	uint32_t slots = MIN_SLOTS;

	while (slots / 2 < map->n + 1)
		slots *= 2;
	array = calloc(1, sizeof(*array) + slots * sizeof(array->slots[0]));
	if (!array)
		return -ENOMEM;
	array->mask = slots - 1;
	for (uint32_t i = 0; old && i <= old->mask; i++) {
		struct hmap_node *node = slot_node(&old->slots[i]);

		if (is_node(node))
			array_put(array, node);
	}
	map->used = map->n;
	atomic_store_explicit(&map->array, array, memory_order_release);
	if (old)
		rcu_defer(free, old);
	return 0;
}

int hmap_insert(struct hmap *map, struct hmap_node *node, uint32_t hash)
{
	struct hmap_array *array = map_array(map);

	if (!array || (uint64_t)(map->used + 1) * 4 > ((uint64_t)array->mask + 1) * 3) {
		int err = resize(map);

		if (err)
			return err;
		array = map_array(map);
	}
	node->hash = hash;
	map->used += array_put(array, node);
	map->n++;
	return 0;
}

/* Index of the slot that holds the node, or UINT32_MAX. */
static uint32_t find(const struct hmap_array *array, const struct hmap_node *node)
{
	struct hmap_node *at;

	if (!array)
		return UINT32_MAX;
	for (uint32_t i = node->hash & array->mask; (at = slot_node(&array->slots[i]));
		i = (i + 1) & array->mask)
		if (at == node)
			return i;
	return UINT32_MAX;
}

void hmap_remove(struct hmap *map, struct hmap_node *node)
{
	struct hmap_array *array = map_array(map);
	uint32_t i = find(array, node);

	if (i == UINT32_MAX)
		return;
	atomic_store_explicit(&array->slots[i].node, HMAP_TOMB, memory_order_release);
	map->n--;
	if (slot_node(&array->slots[(i + 1) & array->mask]))
		return;
	/* The chain ends here: no lookup needs to pass this tomb, nor those right before it. */
	while (slot_node(&array->slots[i]) == HMAP_TOMB) {
		atomic_store_explicit(&array->slots[i].node, NULL, memory_order_release);
		map->used--;
		i = (i - 1) & array->mask;
	}
}

void hmap_replace(struct hmap *map, struct hmap_node *from, struct hmap_node *to)
{
	struct hmap_array *array = map_array(map);
	uint32_t i = find(array, from);

	if (i == UINT32_MAX)
		return;
	to->hash = from->hash;
	atomic_store_explicit(&array->slots[i].node, to, memory_order_release);
}

struct hmap_node *hmap_next_hash(struct hmap_cursor *c)
{
	while (c->left) {
		const struct hmap_slot *slot = &c->array->slots[c->i];
		struct hmap_node *node = slot_node(slot);

		if (!node)
			break;
		c->left--;
		c->i = (c->i + 1) & c->array->mask;
		if (node != HMAP_TOMB && slot_hash(slot) == c->hash && node->hash == c->hash)
			return node;
	}
	c->left = 0;
	return NULL;
}

struct hmap_node *hmap_first_hash(const struct hmap *map, uint32_t hash, struct hmap_cursor *c)
{
	c->array = map_array(map);
	c->hash = hash;
	if (!c->array) {
		c->left = 0;
		return NULL;
	}
	c->i = hash & c->array->mask;
	c->left = c->array->mask + 1;
	return hmap_next_hash(c);
}

struct hmap_node *hmap_next(struct hmap_cursor *c)
{
	while (c->left) {
		struct hmap_node *node = slot_node(&c->array->slots[c->i++]);

		c->left--;
		if (is_node(node))
			return node;
	}
	return NULL;
}

struct hmap_node *hmap_first(const struct hmap *map, struct hmap_cursor *c)
{
	c->array = map_array(map);
	c->hash = 0;
	c->i = 0;
	c->left = c->array ? c->array->mask + 1 : 0;
	return hmap_next(c);
}

uint32_t hash_bytes(const void *data, size_t len, uint32_t basis)
{
	uint32_t crc = rte_hash_crc(data, (uint32_t)len, basis);

	return hash_mix((uint64_t)crc << 32 | (crc ^ (uint32_t)len));
}
