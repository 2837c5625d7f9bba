/* SPDX-License-Identifier: Apache-2.0
 *
 * The TLV table. A change makes a new one; the old one goes after a grace period.
 */
#include "hal/tlv.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "hal/base/rcu.h"
#include "hal/key.h"

#define UNIT 4 /* bytes: lengths and offsets are multiples of it */
#define UNITS (sizeof(((struct hal_key *)0)->tun_opts) / UNIT)
#define LEN_MAX 124 /* RFC 8926, 3.5: a length of 5 bits in units of 4 bytes */

static const struct hal_tlv_table empty;
static _Atomic(const struct hal_tlv_table *) table = &empty;

/* How many have added each entry. Control thread. */
static unsigned users[HAL_TLV_MAX];

const struct hal_tlv_table *hal_tlv_table(void)
{
	return atomic_load_explicit(&table, memory_order_acquire);
}

static void free_table(void *old)
{
	free(old);
}

static void publish(const struct hal_tlv_table *t)
{
	const struct hal_tlv_table *old = atomic_exchange(&table, t);

	if (old != &empty)
		rcu_defer(free_table, (void *)(uintptr_t)old);
}

/* The first place that is free for `len` bytes, or -ENOSPC. */
static int find_room(const struct hal_tlv_table *t, uint8_t len)
{
	unsigned need = len / UNIT, run = 0;
	bool taken[UNITS] = {false};

	for (unsigned i = 0; i < HAL_TLV_MAX; i++)
		for (unsigned u = 0; t->entry[i].used && u < t->entry[i].len / UNIT; u++)
			taken[t->entry[i].offset / UNIT + u] = true;
	for (unsigned u = 0; u < UNITS; u++) {
		run = taken[u] ? 0 : run + 1;
		if (run == need)
			return (int)((u + 1 - need) * UNIT);
	}
	return -ENOSPC;
}

/* 1: this very entry is there, 0: it may be added, or -EEXIST. */
static int compare(const struct hal_tlv_table *t, unsigned index, const struct hal_tlv *new)
{
	for (unsigned i = 0; i < HAL_TLV_MAX; i++) {
		const struct hal_tlv *e = &t->entry[i];
		bool same_option = e->used && e->class == new->class && e->type == new->type;

		if (i == index && same_option && e->len == new->len)
			return 1;
		if ((i == index && e->used) || same_option)
			return -EEXIST;
	}
	return 0;
}

int hal_tlv_add(unsigned index, uint16_t class, uint8_t type, uint8_t len)
{
	const struct hal_tlv_table *old = hal_tlv_table();
	struct hal_tlv new = {.used = true, .class = class, .type = type, .len = len};
	struct hal_tlv_table *t;
	int rc;

	if (index >= HAL_TLV_MAX || !len || len > LEN_MAX || len % UNIT)
		return -EINVAL;
	rc = compare(old, index, &new);
	if (rc > 0)
		users[index]++;
	if (rc)
		return rc > 0 ? 0 : rc;
	rc = find_room(old, len);
	if (rc < 0)
		return rc;
	new.offset = (uint8_t)rc;
	t = malloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = *old;
	t->entry[index] = new;
	users[index] = 1;
	publish(t);
	return 0;
}

int hal_tlv_remove(unsigned index)
{
	const struct hal_tlv_table *old = hal_tlv_table();
	struct hal_tlv_table *t;

	if (index >= HAL_TLV_MAX || !old->entry[index].used)
		return -ENOENT;
	if (users[index] > 1) {
		users[index]--;
		return 0;
	}
	t = malloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = *old;
	t->entry[index] = (struct hal_tlv){0};
	users[index] = 0;
	publish(t);
	return 0;
}

void hal_tlv_clear(void)
{
	for (unsigned i = 0; i < HAL_TLV_MAX; i++)
		users[i] = 0;
	publish(&empty);
}
