/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters: read in slices, credited to the megaflow whose program the device was running, and
 * compared with what reached software although it should not have.
 */
#include "hal/mutation.h"
#include "offload/internal.h"

void credit(struct device *dev, struct rule *rule, const struct hal_counter *c)
{
	struct hal_megaflow_hw *hw;
	struct hal_offload_slot *s;
	uint64_t packets, bytes, before = rule->read_ms, now = now_ms();

	if (!c->known)
		return;
	rule->read_ms = now;
	packets = c->packets > rule->packets ? c->packets - rule->packets : 0;
	bytes = c->bytes > rule->bytes ? c->bytes - rule->bytes : 0;
	rule->packets = c->packets;
	rule->bytes = c->bytes;
	rule_rate(rule, now);
	if (rule->have == HAVE_CLAIM && dev->caps->by_kernel)
		slot_in_kernel(dev, rule->holder, c->in_kernel);
	if (rule->have != HAVE_CLAIM || (!packets && !bytes))
		return;
	hw = hal_megaflow_hw(rule->holder->flow->mf);
	atomic_fetch_add_explicit(&hw->packets, packets, memory_order_relaxed);
	atomic_fetch_add_explicit(&hw->bytes, bytes, memory_order_relaxed);
	atomic_store_explicit(&hw->used_ms, now, memory_order_relaxed);
	atomic_store_explicit(&hw->after_ms, before, memory_order_relaxed);
	pthread_mutex_lock(&dev->lock);
	s = &hw->slot[dev->index];
	s->packets += packets;
	s->bytes += bytes;
	s->used_ms = atomic_load_explicit(&hw->used_ms, memory_order_relaxed);
	s->verified = true;
	pthread_mutex_unlock(&dev->lock);
}

void credit_final(struct device *dev, struct rule *rule, bool replaced)
{
	struct hal_counter c;
	int err = hal_counter_final(dev->hal, &rule->ufid, &c);

	/* A device that swaps without a last reading: what it counts now is the former one's. */
	if (err && replaced)
		err = hal_counters_read(dev->hal, &rule->ufid, 1, &c);
	if (!err && MUTATE(306, true, replaced))
		credit(dev, rule, &c);
	if (replaced && MUTATE(303, false, true))
		rule->packets = rule->bytes = 0;
	hal_counter_forget(dev->hal, &rule->ufid);
}

/* Whether packets of a placed rule may come up all the same: as they came, for what is behind the
 * rule, or for what does not go into a tunnel; and what is handed up in a tunnel comes out of it.
 */
static bool may_come_up(struct device *dev, const struct claim *c)
{
	if (!dev->caps->looks_ahead)
		return false;
	for (unsigned i = 0; c->uses && i < c->uses->n; i++)
		if (c->uses->o[i]->type == HAL_OBJECT_TUNNEL)
			return true;
	return false;
}

/* Packets that reach software although the device should have caught them. Those that were on
 * their way when the rule was placed do not count. */
static void look_for_leaks(struct device *dev, struct claim *c, uint64_t now)
{
	struct hal_offload_slot *s;
	uint64_t packets;

	/* A packet that began its way in software goes on there. */
	if (now < c->placed_ms + LEAK_GRACE_MS || c->flow->mf->chain || may_come_up(dev, c))
		return;
	packets = hal_megaflow_sw_packets(c->flow->mf);
	if (c->leak_started && packets == c->leak_base)
		return;
	pthread_mutex_lock(&dev->lock);
	s = &hal_megaflow_hw(c->flow->mf)->slot[dev->index];
	if (c->leak_started) {
		s->leaked += packets - c->leak_base;
		dev->info.leaked_packets += packets - c->leak_base;
	} else {
		s->placed_sw_packets = packets;
	}
	pthread_mutex_unlock(&dev->lock);
	c->leak_started = true;
	c->leak_base = packets;
}

void counters_begin(struct device *dev)
{
	if (dev->pass)
		return;
	shares_begin(&dev->refreshes);
	dev->pass = true;
	dev->pass_left = dev->n_placed;
	dev->next_counters = now_ms() + dev->ol->cfg.counter_interval_ms;
}

/* The next rules of the reading, at most COUNTER_SLICE: what is taken goes to the end of the list.
 * One that is being replaced is left out: whose its counter is its completion says. */
static unsigned next_slice(struct device *dev, struct rule **rules, struct hal_ufid *ufids)
{
	unsigned n = 0;

	for (unsigned i = 0; i < COUNTER_SLICE && dev->pass_left; i++) {
		struct rule *rule = TAILQ_FIRST(&dev->placed);

		if (!rule) {
			dev->pass_left = 0;
			break;
		}
		dev->pass_left--;
		TAILQ_REMOVE(&dev->placed, rule, placed);
		TAILQ_INSERT_TAIL(&dev->placed, rule, placed);
		if (rule->busy && rule->op == HAL_OP_REPLACE)
			continue;
		ufids[n] = rule->ufid;
		rules[n++] = rule;
	}
	return n;
}

void counters_slice(struct device *dev, uint64_t now)
{
	struct hal_counter c[COUNTER_SLICE];
	struct hal_ufid ufids[COUNTER_SLICE];
	struct rule *rules[COUNTER_SLICE];
	unsigned n = next_slice(dev, rules, ufids);
	int err = n ? hal_counters_read(dev->hal, ufids, n, c) : 0;

	if (!err && n)
		atomic_store_explicit(&dev->read_ms, now, memory_order_relaxed);
	for (unsigned i = 0; i < n; i++) {
		if (!err)
			credit(dev, rules[i], &c[i]);
		look_for_leaks(dev, rules[i]->holder, now);
	}
	if (dev->pass_left && !err)
		return;
	dev->pass = false;
	objects_read(dev);
	connections_count(dev);
	shares_refreshed(dev);
}
