/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules that are in the kernel, and the numbers of their handles.
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/tc/tc.h"
#include "hal/mutation.h"

static uint32_t hash_of(const struct hal_ufid *ufid)
{
	return hash_mix(ufid->u[0] ^ ufid->u[1]);
}

struct tc_rule *tc_rule_find(const struct tc_dev *dev, const struct hal_ufid *ufid)
{
	HMAP_FOR_EACH_HASH (rule, struct tc_rule, node, hash_of(ufid), &dev->rules) {
		if (hal_ufid_equal(&rule->ufid, ufid))
			return rule;
	}
	return NULL;
}

struct tc_rule *tc_rule_at(const struct tc_dev *dev, const struct tc_place *place)
{
	HMAP_FOR_EACH_HASH (
		rule, struct tc_rule, by_handle, hash_mix(place->handle), &dev->handles) {
		if (rule->place.handle == place->handle && rule->place.ifindex == place->ifindex)
			return rule;
	}
	return NULL;
}

static bool is_used(const struct tc_dev *dev, uint32_t number)
{
	return dev->used[number / 8] & 1u << number % 8;
}

static void set_used(struct tc_dev *dev, uint32_t number, bool used)
{
	if (is_used(dev, number) == used)
		return;
	dev->used[number / 8] ^= (uint8_t)(1u << number % 8);
	dev->n_used += used ? 1 : UINT32_MAX;
}

/* A number that no rule has, TC_MAX_RULES: there is none. */
static uint32_t take_number(struct tc_dev *dev)
{
	if (dev->n_used == TC_MAX_RULES)
		return TC_MAX_RULES;
	while (is_used(dev, dev->next))
		dev->next = (dev->next + 1) % TC_MAX_RULES;
	set_used(dev, dev->next, true);
	return dev->next;
}

static struct tc_rule *add(struct tc_dev *dev, const struct hal_ufid *ufid, uint32_t number)
{
	struct tc_rule *rule = calloc(1, sizeof(*rule));

	if (!rule || hmap_insert(&dev->rules, &rule->node, hash_of(ufid))) {
		free(rule);
		return NULL;
	}
	rule->ufid = *ufid;
	rule->place.handle = TC_HANDLE | number;
	if (hmap_insert(&dev->handles, &rule->by_handle, hash_mix(rule->place.handle))) {
		hmap_remove(&dev->rules, &rule->node);
		free(rule);
		return NULL;
	}
	rule->generation = ++dev->generation;
	return rule;
}

struct tc_rule *tc_rule_new(struct tc_dev *dev, const struct hal_ufid *ufid)
{
	const uint32_t number = take_number(dev);
	struct tc_rule *rule = number < TC_MAX_RULES ? add(dev, ufid, number) : NULL;

	if (!rule && number < TC_MAX_RULES)
		set_used(dev, number, false);
	return rule;
}

struct tc_rule *tc_rule_found(
	struct tc_dev *dev, const struct hal_ufid *ufid, const struct tc_place *place)
{
	const uint32_t number = place->handle & (TC_MAX_RULES - 1);
	struct tc_rule *rule = add(dev, ufid, number);

	if (!rule)
		return NULL;
	set_used(dev, number, true);
	rule->place = *place;
	return rule;
}

void tc_rule_drop(struct tc_dev *dev, struct tc_rule *rule)
{
	set_used(dev, rule->place.handle & (TC_MAX_RULES - 1), false);
	hmap_remove(&dev->rules, &rule->node);
	hmap_remove(&dev->handles, &rule->by_handle);
	tc_meters_hold(dev, rule, NULL);
	free(rule->program);
	free(rule->canonical);
	free(rule);
}

struct tc_rule *tc_rule_elsewhere(struct tc_dev *dev, struct tc_rule *rule)
{
	const struct tc_rule was = *rule;
	struct tc_rule *other;

	tc_rule_drop(dev, rule);
	set_used(dev, was.place.handle & (TC_MAX_RULES - 1), true);
	other = tc_rule_new(dev, &was.ufid);
	if (!other)
		return NULL;
	other->place = (struct tc_place){.ifindex = was.place.ifindex,
		.chain = was.place.chain,
		.handle = other->place.handle,
		.prio = was.place.prio,
		.protocol = was.place.protocol};
	return other;
}

void tc_number_free(struct tc_dev *dev, uint32_t handle)
{
	set_used(dev, handle & (TC_MAX_RULES - 1), false);
}

void tc_rules_clear(struct tc_dev *dev)
{
	HMAP_FOR_EACH (rule, struct tc_rule, node, &dev->rules)
		tc_rule_drop(dev, rule);
	hmap_destroy(&dev->rules);
	hmap_destroy(&dev->handles);
}

/* ---- counters ---- */

/* A tag that the match knows to be there is taken off before TC counts. */
void tc_rule_count(struct tc_dev *dev, struct tc_rule *rule, const struct tc_filter *f,
	struct hal_raw_counter *out)
{
	const uint64_t by_kernel = f->packets - MUTATE(529, f->hw_packets, 0);
	const uint64_t bytes = f->bytes + by_kernel * MUTATE(519, rule->uncounted, TC_LINK_HEADER);

	/* Somebody put another filter in its place: it counts from 0. */
	if (f->packets < rule->packets || bytes < rule->bytes) {
		rule->generation = ++dev->generation;
		rule->packets = 0;
	}
	dev->hits += f->packets - rule->packets;
	*out = (struct hal_raw_counter){
		.packets = f->packets,
		.bytes = bytes,
		.generation = rule->generation,
		.known = true,
		.in_kernel = !(f->flags & TCA_CLS_FLAGS_IN_HW),
		.hit = f->packets > rule->packets,
	};
	rule->packets = f->packets;
	rule->bytes = bytes;
}

void tc_rule_count_late(struct tc_dev *dev, struct tc_rule *rule, const struct tc_filter *f,
	struct hal_raw_counter *out)
{
	if (f->packets >= rule->packets)
		tc_rule_count(dev, rule, f, out);
}
