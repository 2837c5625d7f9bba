/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules that are in the maps, and the numbers that they hold there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/ebpf.h"
#include "hal/base/log.h"
#include "hal/mutation.h"

LOG_DEFINE(ebpf);

static uint32_t hash_of(const struct hal_ufid *ufid)
{
	return hash_mix(ufid->u[0] ^ ufid->u[1]);
}

static uint32_t match_hash(const struct hal_cmatch *match, uint32_t chain)
{
	return hash_mix((uint64_t)chain << 32 | match->hash);
}

struct ebpf_rule *ebpf_rule_find(const struct ebpf_dev *dev, const struct hal_ufid *ufid)
{
	HMAP_FOR_EACH_HASH (rule, struct ebpf_rule, node, hash_of(ufid), &dev->rules) {
		if (hal_ufid_equal(&rule->ufid, ufid))
			return rule;
	}
	return NULL;
}

struct ebpf_rule *ebpf_rule_of_match(
	const struct ebpf_dev *dev, const struct hal_cmatch *match, uint32_t chain)
{
	HMAP_FOR_EACH_HASH (
		rule, struct ebpf_rule, by_match, match_hash(match, chain), &dev->matches) {
		if (rule->chain == chain && hal_cmatch_equal(rule->match, match))
			return rule;
	}
	return NULL;
}

struct ebpf_rule *ebpf_rule_new(struct ebpf_dev *dev, const struct hal_ufid *ufid,
	struct hal_cmatch *match, uint32_t chain, uint32_t entry)
{
	struct ebpf_rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return NULL;
	if (hmap_insert(&dev->rules, &rule->node, hash_of(ufid)))
		goto free_rule;
	if (hmap_insert(&dev->matches, &rule->by_match, match_hash(match, chain)))
		goto remove_rule;
	rule->ufid = *ufid;
	rule->match = match;
	rule->chain = chain;
	rule->entry = entry;
	rule->generation = ++dev->generation;
	rule->seen = dev->pass;
	dev->by_entry[entry] = rule;
	return rule;

remove_rule:
	hmap_remove(&dev->rules, &rule->node);
free_rule:
	free(rule);
	return NULL;
}

void ebpf_rule_drop(struct ebpf_dev *dev, struct ebpf_rule *rule)
{
	dev->by_entry[rule->entry] = NULL;
	ebpf_mask_drop(dev, rule->mask);
	ebpf_slot_free(dev, rule->slot);
	pool_put(&dev->entries, rule->entry);
	hmap_remove(&dev->rules, &rule->node);
	hmap_remove(&dev->matches, &rule->by_match);
	free(rule->match);
	free(rule);
}

void ebpf_rules_clear(struct ebpf_dev *dev)
{
	HMAP_FOR_EACH (rule, struct ebpf_rule, node, &dev->rules) {
		hmap_remove(&dev->rules, &rule->node);
		free(rule->match);
		free(rule);
	}
	hmap_destroy(&dev->rules);
	hmap_destroy(&dev->matches);
}

void ebpf_rule_key(
	const struct ebpf_dev *dev, const struct ebpf_rule *rule, void *out, unsigned *class)
{
	const struct ebpf_mask *mask = &dev->masks.mask[rule->mask];
	struct ebpf_key key;

	*class = ebpf_class_of(mask);
	/* The ports of a rule that is there are known. */
	if (*class == EBPF_CLASSES || ebpf_key_encode(dev, rule->match, &key, NULL))
		memset(&key, 0, sizeof(key));
	ebpf_key_write(out, *class % EBPF_CLASSES, rule->mask, rule->chain, key.w);
}

bool ebpf_rule_is_there(const struct ebpf_dev *dev, const struct ebpf_rule *rule)
{
	struct ebpf_key20 key;
	uint32_t entry;
	unsigned class;

	ebpf_rule_key(dev, rule, &key, &class);
	return class < EBPF_CLASSES && !bpf_map_lookup_elem(dev->maps.rules[class], &key, &entry) &&
	       entry == rule->entry;
}

/* ---- slots ---- */

static void clear_counts(struct ebpf_dev *dev, uint32_t slot)
{
	for (unsigned cpu = 0; cpu < dev->n_cpus; cpu++)
		memset(&dev->maps.counts[(size_t)cpu * EBPF_SLOTS + slot], 0,
			sizeof(struct ebpf_count));
}

int64_t ebpf_slot_write(struct ebpf_dev *dev, const struct hal_ufid *ufid,
	const struct ebpf_code *code, struct hal_reason *r)
{
	const bool is_long = code->n > EBPF_INLINE;
	const uint32_t number = pool_take(&dev->slots);
	uint32_t program = 0;
	struct ebpf_slot *slot;

	if (number == POOL_NONE)
		return hal_refuse(
			r, HAL_REASON_NO_ROOM, "all %u rules are in use", (unsigned)EBPF_RULES);
	if (is_long)
		program = pool_take(&dev->programs);
	if (program == POOL_NONE) {
		pool_put(&dev->slots, number);
		return hal_refuse(r, HAL_REASON_NO_ROOM,
			"all %u programs of more than %u steps are in use", EBPF_PROGRAMS,
			EBPF_INLINE);
	}
	if (ebpf_meters_hold(dev, number, code)) {
		if (is_long)
			pool_put(&dev->programs, program);
		pool_put(&dev->slots, number);
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	}
	slot = &dev->maps.slots[number];
	memset(slot, 0, sizeof(*slot));
	memcpy(slot->ufid, ufid->u, sizeof(slot->ufid));
	slot->n = code->n;
	slot->program = program;
	dev->program_of[number] = is_long ? (uint16_t)(program + 1) : 0;
	memcpy(is_long ? dev->maps.programs[program].step : slot->step, code->step,
		code->n * sizeof(code->step[0]));
	if (MUTATE(633, true, false))
		clear_counts(dev, number);
	return number;
}

void ebpf_slot_free(struct ebpf_dev *dev, uint32_t number)
{
	if (dev->program_of[number])
		pool_put(&dev->programs, dev->program_of[number] - 1u);
	dev->program_of[number] = 0;
	ebpf_meters_drop(dev, number);
	pool_put(&dev->slots, number);
}

bool ebpf_slot_read(const struct ebpf_dev *dev, uint32_t number, struct ebpf_code *code)
{
	const struct ebpf_slot *slot = &dev->maps.slots[number];

	code->n = slot->n;
	if (code->n > EBPF_STEPS || (code->n > EBPF_INLINE && slot->program >= EBPF_PROGRAMS))
		return false;
	memcpy(code->step,
		code->n > EBPF_INLINE ? dev->maps.programs[slot->program].step : slot->step,
		code->n * sizeof(code->step[0]));
	return true;
}

/* ---- counters ---- */

void ebpf_slot_count(const struct ebpf_dev *dev, uint32_t slot, struct hal_raw_counter *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned cpu = 0; cpu < dev->n_cpus; cpu++) {
		const struct ebpf_count *c = &dev->maps.counts[(size_t)cpu * EBPF_SLOTS + slot];

		out->packets += __atomic_load_n(&c->packets, __ATOMIC_RELAXED);
		out->bytes += __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
		if (MUTATE(634, false, true))
			break;
	}
	out->known = true;
	out->in_kernel = true;
}

void ebpf_rule_count(
	const struct ebpf_dev *dev, struct ebpf_rule *rule, struct hal_raw_counter *out)
{
	if (rule->missing) {
		memset(out, 0, sizeof(*out));
		return;
	}
	ebpf_slot_count(dev, rule->slot, out);
	out->generation = rule->generation;
	out->hit = out->packets != rule->packets;
	rule->packets = out->packets;
}

/* ---- of a former run ---- */

struct orphan {
	unsigned class;
	struct ebpf_key20 key;
};

struct search {
	struct ebpf_dev *dev;
	struct orphan *orphan; /* what nobody can read */
	unsigned n, cap;
	unsigned n_tunnels; /* of these, that have to do with tunnels */
};

static int remember(struct search *s, unsigned class, const void *key)
{
	struct orphan *more;

	if (s->n == s->cap) {
		more = realloc(s->orphan, (s->cap + 64) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->orphan = more;
		s->cap += 64;
	}
	s->orphan[s->n].class = class;
	memcpy(&s->orphan[s->n++].key, key, ebpf_class_size(class));
	return 0;
}

/* NULL: it cannot be one of ours. */
static struct hal_cmatch *match_of(
	const struct ebpf_dev *dev, unsigned class, const struct ebpf_key20 *key)
{
	struct ebpf_key k;

	if (key->mask >= EBPF_MASKS || ebpf_class_of(&dev->masks.mask[key->mask]) != class)
		return NULL;
	memset(&k, 0, sizeof(k));
	k.mask = dev->masks.mask[key->mask];
	memcpy(k.w, key->w, k.mask.words * sizeof(k.w[0]));
	for (unsigned i = k.mask.n; i < k.mask.words; i++)
		if (k.w[i]) /* no packet would have this key */
			return NULL;
	return ebpf_key_decode(dev, &k);
}

/* Takes the slot, with its program and meters, for the rule that it says it has; false if that
 * cannot be. */
static bool claim_slot(struct ebpf_dev *dev, uint32_t number, struct hal_ufid *ufid)
{
	const struct ebpf_slot *slot = &dev->maps.slots[number];
	const uint32_t program = slot->program;
	struct ebpf_code code;

	if (dev->slots.used[number] || slot->n > EBPF_STEPS)
		return false;
	memcpy(ufid->u, slot->ufid, sizeof(ufid->u));
	if (ebpf_rule_find(dev, ufid))
		return false;
	if (slot->n > EBPF_INLINE) {
		if (!pool_claim(&dev->programs, program))
			return false;
		dev->program_of[number] = (uint16_t)(program + 1);
	}
	pool_claim(&dev->slots, number);
	if (ebpf_slot_read(dev, number, &code) && !ebpf_meters_hold(dev, number, &code))
		return true;
	ebpf_slot_free(dev, number);
	return false;
}

/* Ends of tunnels have no name that outlives the run that made them. */
static bool names_tunnel(const struct ebpf_dev *dev, uint32_t slot, const struct ebpf_key20 *key)
{
	const struct ebpf_mask *mask = &dev->masks.mask[key->mask % EBPF_MASKS];
	struct ebpf_code code;
	uint32_t port;

	memcpy(&port, &key->w[0], sizeof(port));
	if (mask->n && !mask->index[0] && port & EBPF_TUNNEL)
		return true;
	return slot < EBPF_SLOTS && ebpf_slot_read(dev, slot, &code) && ebpf_encap_is_in(&code);
}

static int take(void *ctx, unsigned class, const void *at, uint32_t entry)
{
	struct search *s = ctx;
	struct ebpf_dev *dev = s->dev;
	struct ebpf_key20 key = {0};
	struct hal_cmatch *match;
	struct ebpf_rule *rule;
	struct hal_ufid ufid;
	uint32_t slot;

	memcpy(&key, at, ebpf_class_size(class));
	match = entry < EBPF_RULES && !dev->by_entry[entry] ? match_of(dev, class, &key) : NULL;
	if (match && ebpf_rule_of_match(dev, match, key.chain)) {
		free(match);
		match = NULL;
	}
	slot = match ? dev->maps.entries[entry].slot : EBPF_SLOTS;
	if (names_tunnel(dev, slot, &key)) {
		s->n_tunnels++;
		slot = EBPF_SLOTS;
	}
	if (slot >= EBPF_SLOTS || !claim_slot(dev, slot, &ufid)) {
		free(match);
		return remember(s, class, at);
	}
	rule = ebpf_rule_new(dev, &ufid, match, key.chain, entry);
	if (!rule) {
		free(match);
		return -ENOMEM;
	}
	pool_claim(&dev->entries, entry);
	rule->slot = slot;
	rule->mask = key.mask;
	dev->masks.refs[key.mask]++;
	return 0;
}

int ebpf_rules_found(struct ebpf_dev *dev)
{
	struct ebpf_walk walk = {0};
	struct search s = {.dev = dev};
	bool more = true;
	int err = 0;

	ebpf_masks_found(dev);
	while (more && !err)
		err = ebpf_walk_piece(dev, &walk, take, &s, &more);
	for (unsigned i = 0; i < s.n; i++)
		bpf_map_delete_elem(dev->maps.rules[s.orphan[i].class], &s.orphan[i].key);
	if (s.n_tunnels)
		log_info("%u rules of a former run that have to do with tunnels are given up",
			s.n_tunnels);
	if (s.n > s.n_tunnels)
		log_warn("%u entries of a former run could not be read, and are gone",
			s.n - s.n_tunnels);
	if (hmap_count(&dev->rules))
		log_info("%u rules of a former run", hmap_count(&dev->rules));
	free(s.orphan);
	return err;
}
