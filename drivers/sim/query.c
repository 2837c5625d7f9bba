/* SPDX-License-Identifier: Apache-2.0
 *
 * What the device is asked: counters, rules, statistics.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/sim/codec.h"
#include "drivers/sim/sim.h"

#define COUNTERS 512u /* in one request */

void sim_counter_copy(const struct sim_counter *from, struct hal_raw_counter *to)
{
	*to = (struct hal_raw_counter){.packets = from->packets,
		.bytes = from->bytes,
		.generation = from->generation,
		.known = from->known,
		.hit = from->hit};
}

int sim_counters_read(
	void *priv, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out)
{
	struct sim_counter in[COUNTERS];
	struct sim_dev *dev = priv;

	for (unsigned at = 0; at < n; at += COUNTERS) {
		unsigned k = n - at < COUNTERS ? n - at : COUNTERS;
		int len = sim_request(dev, SIM_COUNTERS, ufids + at, k * sizeof(*ufids), in,
			sizeof(in), SIM_REQUEST_MS);

		if (len < 0)
			return len;
		if ((size_t)len != k * sizeof(in[0]))
			return -EBADMSG;
		for (unsigned i = 0; i < k; i++)
			sim_counter_copy(&in[i], &out[at + i]);
	}
	return 0;
}

/* One rule of a page. Returns the bytes it took, or what the callback or the codec said. */
static int dump_one(const uint8_t *at, size_t len, hal_dump_cb *cb, void *ctx)
{
	struct hal_dump_entry e;
	struct sim_counter counter;
	struct hal_rule rule;
	int used, err;

	if (len < sizeof(counter))
		return -EBADMSG;
	memcpy(&counter, at, sizeof(counter));
	used = sim_rule_decode(
		at + sizeof(counter), len - sizeof(counter), &rule, &e.match, &e.program);
	if (used < 0)
		return used;
	e.ufid = rule.ufid;
	e.chain = rule.chain;
	e.priority = rule.priority;
	sim_counter_copy(&counter, &e.counter);
	err = cb(ctx, &e);
	free(e.match);
	free(e.program);
	used = (int)((sizeof(counter) + (size_t)used + 7) & ~(size_t)7);
	return err ? (err < 0 ? err : -ECANCELED) : used;
}

static int dump_page(
	const uint8_t *page, size_t len, struct sim_dump_reply *head, hal_dump_cb *cb, void *ctx)
{
	size_t at = sizeof(*head);

	if (len < sizeof(*head))
		return -EBADMSG;
	memcpy(head, page, sizeof(*head));
	for (uint32_t i = 0; i < head->n; i++) {
		int used = at <= len ? dump_one(page + at, len - at, cb, ctx) : -EBADMSG;

		if (used < 0)
			return used;
		at += (size_t)used;
	}
	return 0;
}

/* A piece is a page, whatever `max` says. */
int sim_dump(void *priv, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx)
{
	const struct sim_dump from = {*at};
	struct sim_dump_reply head = {0};
	struct sim_dev *dev = priv;
	uint8_t *page = malloc(SIM_MSG_MAX);
	int len, err;

	(void)max;
	if (!page)
		return -ENOMEM;
	len = sim_request(dev, SIM_DUMP, &from, sizeof(from), page, SIM_MSG_MAX, SIM_REQUEST_MS);
	err = len < 0 ? len : dump_page(page, (size_t)len, &head, cb, ctx);
	*at = !err && head.more ? head.last : 0;
	free(page);
	return err;
}

int sim_stats(void *priv, struct hal_device_stats *out)
{
	struct sim_dev *dev = priv;
	struct sim_stats s;
	int len;

	if (dev->fd < 0 && !dev->lost) /* poll said so: time to bring it back */
		sim_link_retry(dev);
	len = sim_request(dev, SIM_STATS, NULL, 0, &s, sizeof(s), SIM_REQUEST_MS);
	sim_ports_remember(dev);
	if (len == sizeof(s)) {
		if (s.generation != dev->generation) {
			dev->generation = s.generation; /* its ports stay through a reset */
			sim_objects_forgotten(dev);
		}
		dev->stats = s;
	}
	*out = (struct hal_device_stats){.rules = dev->stats.rules,
		.max_rules = dev->caps.max_rules,
		.ports = dev->stats.ports,
		.hit_packets = dev->stats.hit_packets,
		.miss_packets = dev->stats.miss_packets,
		.dropped_packets = dev->stats.dropped_packets,
		.generation = dev->generation,
		.alive = len == sizeof(s)};
	memcpy(out->objects, dev->stats.objects, sizeof(out->objects));
	if (dev->fd < 0)
		snprintf(out->text, sizeof(out->text), "gone; it is started again");
	else if (!out->alive)
		snprintf(out->text, sizeof(out->text), "stalled: process %d does not answer",
			dev->pid);
	return 0;
}
