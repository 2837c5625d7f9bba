/* SPDX-License-Identifier: Apache-2.0
 *
 * A full device: what is placed but idle makes room for what is busy in software.
 */
#include "offload/internal.h"

#define RATE_MS 100      /* a rate is taken over at least this */
#define TIMES_BUSIER 4   /* a waiting flow has to be that much busier, */
#define AT_LEAST_PPS 100 /* and busier than this, to be worth two operations */
#define STAY_INTERVALS 5 /* retry intervals that a rule stays at least */
#define LOOK_AT 1024     /* placed rules at a time */
#define MOST_AT_ONCE 16

void rule_rate(struct rule *rule, uint64_t now)
{
	uint64_t age = now - rule->rate_ms;

	if (rule->rate_ms && age < RATE_MS)
		return;
	if (rule->rate_ms && rule->packets >= rule->rate_packets)
		rule->rate = (rule->packets - rule->rate_packets) * 1000 / age;
	rule->rate_packets = rule->packets;
	rule->rate_ms = now;
}

/* A rule that others depend on is not taken out for room. */
static bool may_go(const struct device *dev, const struct rule *rule, uint64_t now)
{
	const struct claim *c = rule->holder;
	uint64_t stay = (uint64_t)STAY_INTERVALS * dev->ol->cfg.retry_interval_ms;

	if (rule->busy || !c || c->leaving || now < rule->since_ms + stay)
		return false;
	if (chain_matters(c))
		return false;
	for (unsigned i = 0; c->uses && i < c->uses->n; i++)
		if (c->uses->o[i]->type == HAL_OBJECT_METER)
			return false;
	return dev->caps->counts_packets;
}

static unsigned coldest(struct device *dev, struct rule **pick, unsigned k, uint64_t now)
{
	unsigned n = 0, looked = 0;
	struct rule *rule;

	TAILQ_FOREACH (rule, &dev->placed, placed) {
		unsigned at;

		if (looked++ == LOOK_AT)
			break;
		if (!may_go(dev, rule, now))
			continue;
		/* One that has not moved since it was read last is idle. */
		if (n == k && pick[n - 1]->rate <= rule->rate)
			continue;
		at = n < k ? n++ : n - 1;
		for (; at && pick[at - 1]->rate > rule->rate; at--)
			pick[at] = pick[at - 1];
		pick[at] = rule;
	}
	return n;
}

static void evict(struct device *dev, struct rule *rule, uint64_t rate)
{
	struct claim *c = rule->holder;
	struct hal_reason r;

	hal_refuse(&r, HAL_REASON_NO_ROOM, "made room for a busier flow (%llu packets/s)",
		(unsigned long long)rate);
	c->heat_ms = now_ms();
	c->heat_packets = hal_megaflow_sw_packets(c->flow->mf);
	c->rate = rule->rate;
	claim_stand(dev, c, STANDING_MISFIT, &r);
	retry_wait(dev, c, &r);
	rule->recheck = true;
	work_add(dev, rule);
}

void evict_cold(struct device *dev, struct claim **hot, unsigned n, uint64_t now)
{
	struct rule *cold[MOST_AT_ONCE];
	unsigned k = n < MOST_AT_ONCE ? n : MOST_AT_ONCE;

	if (!k || hot[0]->rate < AT_LEAST_PPS)
		return;
	k = coldest(dev, cold, k, now);
	for (unsigned i = 0; i < k; i++) {
		if (hot[i]->rate < AT_LEAST_PPS || hot[i]->rate < TIMES_BUSIER * cold[i]->rate)
			break;
		evict(dev, cold[i], hot[i]->rate);
	}
}
