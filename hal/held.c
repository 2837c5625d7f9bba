/* SPDX-License-Identifier: Apache-2.0
 *
 * The HAL's book of rules: what each device holds for us, by ufid. It is what undo puts back and
 * where counters are extended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/device.h"

static uint32_t ufid_hash(const struct hal_ufid *ufid)
{
	return hash_mix(ufid->u[0] ^ ufid->u[1]);
}

struct hal_held *hal_held_find(struct hal_device *dev, const struct hal_ufid *ufid)
{
	HMAP_FOR_EACH_HASH (h, struct hal_held, node, ufid_hash(ufid), &dev->held) {
		if (hal_ufid_equal(&h->ufid, ufid))
			return h;
	}
	return NULL;
}

static void *copy(const void *from, size_t len)
{
	void *to = malloc(len);

	if (to)
		memcpy(to, from, len);
	return to;
}

struct hal_held *hal_held_new(const struct hal_rule *rule)
{
	struct hal_held *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->ufid = rule->ufid;
	h->chain = rule->chain;
	h->priority = rule->priority;
	h->match = hal_cmatch_copy(rule->match);
	h->program = copy(rule->program, sizeof(*rule->program) + rule->program->len);
	if (!h->match || !h->program) {
		hal_held_free(h);
		return NULL;
	}
	return h;
}

void hal_held_rule(const struct hal_held *h, struct hal_rule *rule)
{
	*rule = (struct hal_rule){
		.ufid = h->ufid,
		.match = h->match,
		.program = h->program,
		.chain = h->chain,
		.priority = h->priority,
	};
}

struct hal_held *hal_held_copy(const struct hal_held *h)
{
	struct hal_rule rule;

	hal_held_rule(h, &rule);
	return hal_held_new(&rule);
}

void hal_held_free(struct hal_held *h)
{
	if (!h)
		return;
	free(h->match);
	free(h->program);
	free(h);
}

static void take_final(
	struct hal_device *dev, struct hal_held *h, const struct hal_raw_counter *raw)
{
	hal_extend(&h->counter, raw, dev->caps.counter_bits, &h->final);
	/* A device that counts but gave no last reading leaves the one before it. */
	h->final.known = raw->known || h->counter.started;
	h->has_final = true;
}

/* Swaps match and program, and keeps the counter. */
static void swap_rule(struct hal_held *h, struct hal_held *rule)
{
	free(h->match);
	free(h->program);
	h->match = rule->match;
	h->program = rule->program;
	h->chain = rule->chain;
	h->priority = rule->priority;
	rule->match = NULL;
	rule->program = NULL;
	hal_held_free(rule);
}

static void book_new(struct hal_device *dev, struct hal_held *h, struct hal_held *rule)
{
	if (h) { /* its counter was that of a former life */
		hmap_remove(&dev->held, &h->node);
		hal_held_free(h);
	}
	if (hmap_insert(&dev->held, &rule->node, ufid_hash(&rule->ufid)))
		hal_held_free(rule); /* out of memory: it counts as unknown */
}

void hal_held_complete(struct hal_device *dev, enum hal_op_type type, const struct hal_ufid *ufid,
	struct hal_held *rule, const struct hal_completion *c)
{
	struct hal_held *h = hal_held_find(dev, ufid);

	if (c->error) {
		if (type == HAL_OP_DEL && c->error == -ENOENT && h && h->match) {
			hmap_remove(&dev->held, &h->node);
			hal_held_free(h);
		}
		hal_held_free(rule);
		return;
	}
	switch (type) {
	case HAL_OP_ADD:
		book_new(dev, h, rule);
		break;
	case HAL_OP_REPLACE:
		if (!h || !h->match) {
			book_new(dev, h, rule);
			break;
		}
		h->has_final = false;
		if (c->final.known)
			take_final(dev, h, &c->final);
		swap_rule(h, rule);
		break;
	case HAL_OP_DEL:
		if (!h)
			break;
		take_final(dev, h, &c->final);
		free(h->match);
		free(h->program);
		h->match = NULL;
		h->program = NULL;
		break;
	}
}

int hal_adopt(struct hal_device *dev, const struct hal_dump_entry *entry)
{
	const struct hal_rule rule = {
		.ufid = entry->ufid,
		.match = entry->match,
		.program = entry->program,
		.chain = entry->chain,
		.priority = entry->priority,
	};
	struct hal_held *h = hal_held_find(dev, &entry->ufid), *fresh;

	if (h && h->match)
		return 0; /* already in the book */
	fresh = hal_held_new(&rule);
	if (!fresh)
		return -ENOMEM;
	if (entry->counter.known) {
		fresh->counter.last = entry->counter;
		fresh->counter.started = true;
	}
	book_new(dev, h, fresh);
	return 0;
}

void hal_held_clear(struct hal_device *dev)
{
	HMAP_FOR_EACH (h, struct hal_held, node, &dev->held) {
		hmap_remove(&dev->held, &h->node);
		hal_held_free(h);
	}
}
