/* SPDX-License-Identifier: Apache-2.0
 *
 * Refusals that may pass: what waits is tried again at intervals, and what lacks room as soon as
 * there is some, busiest in software first.
 */
#include "offload/internal.h"

#define PICK 64         /* candidates for room at a time */
#define ROOM_SCAN_MS 50 /* what waits is not searched more often */
#define RATE_MS 100     /* a rate is taken over at least this */

void retry_wait(struct device *dev, struct claim *c, const struct hal_reason *r)
{
	if (c->unfit) /* its reason makes room: the device is asked again */
		c->judged = c->unfit = false;
	c->blocked = true;
	c->reason = *r;
	if (c->waiting)
		return;
	c->waiting = true;
	TAILQ_INSERT_TAIL(&dev->waiting, c, in_waiting);
	dev->n_waiting++;
}

void retry_forget(struct device *dev, struct claim *c)
{
	c->blocked = false;
	c->retry_ms = 0;
	if (!c->waiting)
		return;
	c->waiting = false;
	TAILQ_REMOVE(&dev->waiting, c, in_waiting);
	dev->n_waiting--;
}

static void again(struct device *dev, struct claim *c)
{
	retry_forget(dev, c);
	if (c->rule)
		work_add(dev, c->rule);
	else
		rule_take_claim(dev, c); /* memory was short */
}

/* Software packets a second, of late. */
static uint64_t heat(struct claim *c, uint64_t now)
{
	uint64_t packets, age = now - c->heat_ms;

	if (age < RATE_MS)
		return c->rate;
	packets = hal_megaflow_sw_packets(c->flow->mf);
	c->rate = (packets - c->heat_packets) * 1000 / age;
	c->heat_packets = packets;
	c->heat_ms = now;
	return c->rate;
}

static bool lacks_room(const struct claim *c)
{
	return c->reason.code == HAL_REASON_NO_ROOM;
}

/* The k busiest claims that wait for room, into `pick`. Returns how many. */
static unsigned busiest(struct device *dev, struct claim **pick, unsigned k, uint64_t now)
{
	struct claim *c;
	unsigned n = 0;

	TAILQ_FOREACH (c, &dev->waiting, in_waiting) {
		unsigned at;

		if (!lacks_room(c))
			continue;
		heat(c, now);
		if (n == k && pick[n - 1]->rate >= c->rate)
			continue;
		at = n < k ? n++ : n - 1;
		for (; at && pick[at - 1]->rate < c->rate; at--)
			pick[at] = pick[at - 1];
		pick[at] = c;
	}
	return n;
}

void retry_room(struct device *dev, uint64_t now)
{
	unsigned room = PICK, n;
	struct claim *pick[PICK];

	dev->room = false;
	if (dev->caps->max_rules)
		room = dev->caps->max_rules > dev->n_used ? dev->caps->max_rules - dev->n_used : 0;
	if (!dev->n_waiting)
		return;
	dev->next_room = now + ROOM_SCAN_MS;
	if (!room) {
		n = busiest(dev, pick, PICK, now);
		evict_cold(dev, pick, n, now);
		return;
	}
	n = busiest(dev, pick, room < PICK ? room : PICK, now);
	for (unsigned i = 0; i < n; i++)
		again(dev, pick[i]);
	/* There may be more of both. */
	dev->room = n == PICK;
}

void retry_all(struct device *dev, uint64_t now)
{
	struct claim *c, *next, *last = TAILQ_LAST(&dev->waiting, claim_list);

	dev->next_retry = now + dev->ol->cfg.retry_interval_ms;
	for (c = TAILQ_FIRST(&dev->waiting); c; c = next) {
		next = c == last ? NULL : TAILQ_NEXT(c, in_waiting);
		if (!lacks_room(c) && now >= c->retry_ms)
			again(dev, c);
	}
	retry_room(dev, now);
	if (!dev->n_quarantined)
		return;
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		if (rule->quarantined && now >= rule->retry_ms)
			work_add(dev, rule);
	}
}

void retry_ports(struct device *dev)
{
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		struct claim *c = rule_wanted(rule);

		if (!c)
			continue;
		rule->recheck = true;
		work_add(dev, rule);
	}
}
