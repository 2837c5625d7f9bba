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
#include "hal/base/log.h"
#include "hal/device.h"
#include "hal/mutation.h"

LOG_DEFINE(ebpf_masks);

#define SORT_MS 1000

static struct ebpf_order *order_of(struct ebpf_dev *dev)
{
	return &dev->maps.control->order[dev->maps.control->which & 1];
}

/* Where nobody reads yet, and then they do. */
static void write_order(struct ebpf_dev *dev)
{
	struct ebpf_control *c = dev->maps.control;
	const uint32_t next = !(c->which & 1);

	memcpy(c->order[next].mask, dev->masks.order, dev->masks.n);
	c->order[next].n = dev->masks.n;
	__atomic_store_n(&c->which, next, __ATOMIC_RELEASE);
}

static uint32_t hash_of(const struct ebpf_mask *mask)
{
	return hash_bytes(mask, sizeof(*mask), 0);
}

static uint32_t append(struct ebpf_dev *dev)
{
	struct ebpf_order *order = order_of(dev);
	const uint32_t number = dev->masks.n++;

	dev->masks.order[number] = order->mask[number] = (uint8_t)number;
	__atomic_store_n(&order->n, dev->masks.n, __ATOMIC_RELEASE);
	return number;
}

static void write_mask(struct ebpf_dev *dev, uint32_t number)
{
	const struct ebpf_mask *mask = &dev->masks.mask[number];
	struct ebpf_mask *to = &dev->maps.masks[number], part = *mask;

	__atomic_store_n(&to->words, 0, __ATOMIC_RELEASE);
	part.words = 0;
	memcpy(to, &part, sizeof(part));
	__atomic_store_n(&to->words, mask->words, __ATOMIC_RELEASE);
}

static int find(const struct ebpf_dev *dev, const struct ebpf_mask *mask)
{
	const uint32_t hash = hash_of(mask);

	for (uint32_t i = 0; i < dev->masks.n; i++)
		if (dev->masks.hash[i] == hash && !memcmp(&dev->masks.mask[i], mask, sizeof(*mask)))
			return (int)i;
	return -ENOENT;
}

/* A number that nobody uses. What reads a mask that is being written finds no rule under it: its
 * number is part of the key, and nothing is entered before. */
static int new_number(struct ebpf_dev *dev)
{
	if (dev->masks.n < EBPF_MASKS)
		return (int)append(dev);
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
		dev->masks.mask[number] = *mask;
		dev->masks.hash[number] = hash_of(mask);
		write_mask(dev, (uint32_t)number);
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
	for (uint32_t i = 0; i < EBPF_MASKS; i++) {
		dev->masks.mask[i] = dev->maps.masks[i];
		dev->masks.hash[i] = hash_of(&dev->masks.mask[i]);
		dev->masks.order[i] = (uint8_t)i;
		if (dev->masks.mask[i].words)
			dev->masks.n = i + 1;
	}
	write_order(dev);
}

void ebpf_masks_mend(struct ebpf_dev *dev)
{
	const struct ebpf_order *order = order_of(dev);
	unsigned mended = 0;

	for (uint32_t i = 0; i < dev->masks.n; i++) {
		if (!memcmp(&dev->maps.masks[i], &dev->masks.mask[i], sizeof(struct ebpf_mask)))
			continue;
		write_mask(dev, i);
		mended++;
	}
	if (order->n != dev->masks.n || memcmp(order->mask, dev->masks.order, dev->masks.n)) {
		write_order(dev);
		mended++;
	}
	if (mended)
		log_warn("somebody altered masks or their order: they are put right");
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
	const uint64_t now = hal_now_ms();
	uint8_t *order = dev->masks.order;
	uint64_t hits[EBPF_MASKS];

	if (now - dev->masks.sorted_ms < SORT_MS || dev->masks.n < 2)
		return;
	dev->masks.sorted_ms = now;
	read_hits(dev, hits);
	for (uint32_t i = 1; i < dev->masks.n; i++) { /* an insertion sort of what hardly changes */
		const uint8_t number = order[i];
		uint32_t at = i;

		for (; at && hits[order[at - 1]] < hits[number]; at--)
			order[at] = order[at - 1];
		order[at] = number;
	}
	write_order(dev);
}
