/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules in the kernel, told in pieces: the hash maps are gone over, and everything else follows
 * from what they say.
 *
 * An entry of theirs that leads to no rule of ours was put in by somebody else into maps that are
 * ours alone, and is deleted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/ebpf.h"
#include "hal/base/log.h"

LOG_DEFINE(ebpf_dump);

#define PIECE 256u /* a bucket of the kernel's has to fit */

struct ebpf_dump {
	struct ebpf_walk walk;
	struct ebpf_dev *dev;
	hal_dump_cb *cb;
	void *ctx;
	unsigned told;
	unsigned strange; /* in this pass */
};

struct ebpf_dump *ebpf_dump_new(void)
{
	return calloc(1, sizeof(struct ebpf_dump));
}

int ebpf_walk_piece(
	struct ebpf_dev *dev, struct ebpf_walk *walk, ebpf_found *found, void *ctx, bool *more)
{
	const size_t size = ebpf_class_size(walk->class);
	uint32_t entries[PIECE], n = PIECE;
	uint8_t *keys = malloc(PIECE * size), next[8];
	bool last;
	int err;

	if (!keys)
		return -ENOMEM;
	memset(next, 0, sizeof(next));
	err = bpf_map_lookup_batch(dev->maps.rules[walk->class], walk->under_way ? walk->at : NULL,
		next, keys, entries, &n, NULL);
	last = err == -ENOENT;
	if (err && !last)
		n = 0;
	for (uint32_t i = 0; i < n && (!err || last); i++) {
		const int stop = found(ctx, walk->class, keys + i * size, entries[i]);

		if (stop) {
			err = stop;
			last = false;
		}
	}
	free(keys);
	memcpy(walk->at, next, sizeof(next));
	walk->under_way = !last;
	walk->class += last;
	*more = walk->class < EBPF_CLASSES;
	return last ? 0 : err;
}

/* Whether the entry is where the rule's belongs. */
static struct ebpf_rule *rule_of(
	const struct ebpf_dev *dev, unsigned class, const void *key, uint32_t entry)
{
	struct ebpf_rule *rule = entry < EBPF_RULES ? dev->by_entry[entry] : NULL;
	struct ebpf_key20 own;
	unsigned own_class;

	if (!rule)
		return NULL;
	ebpf_rule_key(dev, rule, &own, &own_class);
	return own_class == class && !memcmp(&own, key, ebpf_class_size(class)) ? rule : NULL;
}

/* 0, -ENOMEM, or -EINVAL: no rule of ours would be written like this. */
static int decode(
	const struct ebpf_dev *dev, const struct ebpf_rule *rule, struct hal_dump_entry *entry)
{
	const struct ebpf_ports ports = {
		.ifindex = (uint32_t(*)(const void *, uint32_t))ebpf_port_key,
		.port = (uint32_t(*)(const void *, uint32_t))ebpf_port_of,
		.ctx = dev,
		.meter = ebpf_meter_number,
		.meter_id = ebpf_meter_id,
	};
	struct ebpf_code code;
	struct ebpf_key key;

	if (dev->maps.entries[rule->entry].slot != rule->slot ||
		memcmp(dev->maps.slots[rule->slot].ufid, rule->ufid.u, sizeof(rule->ufid.u)) ||
		!ebpf_slot_read(dev, rule->slot, &code) ||
		!ebpf_meters_held(dev, rule->slot, &code) ||
		ebpf_key_encode(dev, rule->match, &key, NULL))
		return -EINVAL;
	entry->match = ebpf_key_decode(dev, &key);
	return entry->match ? ebpf_code_decode(entry->match, &code, &ports, &entry->program)
			    : -EINVAL;
}

static int tell(void *ctx, unsigned class, const void *key, uint32_t number)
{
	struct ebpf_dump *d = ctx;
	struct ebpf_rule *rule = rule_of(d->dev, class, key, number);
	struct hal_dump_entry entry = {.priority = EBPF_RULE_PRIORITY};
	int err;

	if (!rule) {
		bpf_map_delete_elem(d->dev->maps.rules[class], key);
		d->strange++;
		return 0;
	}
	rule->seen = d->dev->pass;
	rule->missing = false;
	entry.ufid = rule->ufid;
	entry.chain = rule->chain;
	err = decode(d->dev, rule, &entry);
	if (err) {
		free(entry.match);
		entry.match = NULL;
	} else {
		ebpf_rule_count(d->dev, rule, &entry.counter);
	}
	if (err == -ENOMEM)
		return err;
	d->told++;
	err = d->cb(d->ctx, &entry);
	free(entry.match);
	free(entry.program);
	return err;
}

/* What the maps did not tell of is asked for, since they may have changed meanwhile. */
static void find_missing(struct ebpf_dev *dev)
{
	HMAP_FOR_EACH (rule, struct ebpf_rule, node, &dev->rules) {
		if (rule->seen != dev->pass)
			rule->missing = !ebpf_rule_is_there(dev, rule);
	}
}

int ebpf_dump(void *ctx, uint64_t *at, unsigned max, hal_dump_cb *cb, void *cb_ctx)
{
	struct ebpf_dev *dev = ctx;
	struct ebpf_dump *d = dev->dump;
	bool more = true;
	int err = 0;

	if (!*at) {
		ebpf_ports_settle(dev);
		ebpf_ports_mend(dev);
		ebpf_masks_mend(dev);
		ebpf_meters_mend(dev);
		if (ebpf_sign(dev))
			log_warn("somebody altered whose the maps are: it is put right");
		dev->pass++;
		memset(&d->walk, 0, sizeof(d->walk));
		d->strange = 0;
	}
	d->dev = dev;
	d->cb = cb;
	d->ctx = cb_ctx;
	d->told = 0;
	while (!err && more && (!max || d->told < max))
		err = ebpf_walk_piece(dev, &d->walk, tell, d, &more);
	*at = !err && more;
	if (!err && !more) {
		find_missing(dev);
		if (d->strange)
			log_warn("somebody put %u entries into maps of rules: they are deleted",
				d->strange);
	}
	return err;
}
