/* SPDX-License-Identifier: Apache-2.0
 *
 * The masks that rules have, and the order in which they are tried.
 *
 * A mask that no rule has any more stays until its number is needed. The program may read the order
 * while it is written: a new mask is put behind the others, and another order goes where none is
 * read.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/ebpf.h"
#include "hal/device.h"
#include "hal/mutation.h"

#define SORT_MS 1000

static struct ebpf_order *order_of(struct ebpf_dev *dev)
{
	return &dev->maps.control->order[dev->maps.control->which & 1];
}

static uint32_t hash_of(const struct ebpf_mask *mask)
{
	return hash_bytes(mask, sizeof(*mask), 0);
}

static void append(struct ebpf_dev *dev, uint32_t number)
{
	struct ebpf_order *order = order_of(dev);

	order->mask[order->n] = (uint8_t)number;
	__atomic_store_n(&order->n, order->n + 1, __ATOMIC_RELEASE);
}

static void write_mask(struct ebpf_dev *dev, uint32_t number, const struct ebpf_mask *mask)
{
	struct ebpf_mask *to = &dev->maps.masks[number], part = *mask;

	part.words = 0;
	memcpy(to, &part, sizeof(part));
	__atomic_store_n(&to->words, mask->words, __ATOMIC_RELEASE);
	dev->masks.hash[number] = hash_of(mask);
}

static int find(const struct ebpf_dev *dev, const struct ebpf_mask *mask)
{
	const uint32_t hash = hash_of(mask);

	for (uint32_t i = 0; i < dev->masks.n; i++)
		if (dev->masks.hash[i] == hash && !memcmp(&dev->maps.masks[i], mask, sizeof(*mask)))
			return (int)i;
	return -ENOENT;
}

/* A number that nobody uses. What reads a mask that is being written finds no rule under it: its
 * number is part of the key, and nothing is entered before. */
static int new_number(struct ebpf_dev *dev)
{
	if (dev->masks.n < EBPF_MASKS) {
		append(dev, dev->masks.n);
		return (int)dev->masks.n++;
	}
	for (uint32_t i = 0; i < EBPF_MASKS; i++) {
		if (dev->masks.refs[i])
			continue;
		__atomic_store_n(&dev->maps.masks[i].words, 0, __ATOMIC_RELEASE);
		ebpf_grace(dev);
		return (int)i;
	}
	return -ENOSPC;
}

int ebpf_mask_hold(struct ebpf_dev *dev, const struct ebpf_mask *mask, struct hal_reason *r)
{
	int number = find(dev, mask);

	if (number < 0) {
		number = new_number(dev);
		if (number < 0)
			return hal_refuse(r, HAL_REASON_NO_ROOM,
				"rules have %u different masks, which is as many as a packet is "
				"looked up under",
				EBPF_MASKS);
		write_mask(dev, (uint32_t)number, mask);
	}
	dev->masks.refs[number]++;
	return number;
}

void ebpf_mask_drop(struct ebpf_dev *dev, uint32_t number)
{
	dev->masks.refs[number] -= MUTATE(632, 1, dev->masks.refs[number]);
}

void ebpf_masks_found(struct ebpf_dev *dev)
{
	struct ebpf_order *order = order_of(dev);

	for (uint32_t i = 0; i < EBPF_MASKS; i++) {
		if (!dev->maps.masks[i].words)
			continue;
		dev->masks.n = i + 1;
		dev->masks.hash[i] = hash_of(&dev->maps.masks[i]);
	}
	order->n = 0;
	for (uint32_t i = 0; i < dev->masks.n; i++)
		append(dev, i);
}

/* ---- the order ---- */

/* How often each was hit since it was last asked. */
static void read_hits(struct ebpf_dev *dev, uint64_t since[EBPF_MASKS])
{
	uint64_t by_cpu[dev->n_cpus];

	for (uint32_t i = 0; i < dev->masks.n; i++) {
		uint64_t now = 0;

		since[i] = 0;
		if (bpf_map_lookup_elem(dev->maps.mask_hits, &i, by_cpu))
			continue;
		for (unsigned cpu = 0; cpu < dev->n_cpus; cpu++)
			now += by_cpu[cpu];
		since[i] = now - dev->masks.hits[i];
		dev->masks.hits[i] = now;
	}
}

void ebpf_masks_sort(struct ebpf_dev *dev)
{
	struct ebpf_control *c = dev->maps.control;
	struct ebpf_order *to = &c->order[!(c->which & 1)];
	const uint64_t now = hal_now_ms();
	uint64_t hits[EBPF_MASKS];

	if (now - dev->masks.sorted_ms < SORT_MS || dev->masks.n < 2)
		return;
	dev->masks.sorted_ms = now;
	read_hits(dev, hits);
	to->n = 0;
	for (uint32_t i = 0; i < dev->masks.n; i++) { /* an insertion sort of what hardly changes */
		const uint8_t number = order_of(dev)->mask[i];
		uint32_t at = to->n++;

		for (; at && hits[to->mask[at - 1]] < hits[number]; at--)
			to->mask[at] = to->mask[at - 1];
		to->mask[at] = number;
	}
	__atomic_store_n(&c->which, c->which ^ 1, __ATOMIC_RELEASE);
}
