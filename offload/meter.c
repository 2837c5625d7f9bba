/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters: each lives in one place, and its flows with it.
 *
 * Every device says of each of its claims that use a meter whether it could take it. A meter is at
 * home in a device while nobody there said no and somebody said yes; it may be at home in one
 * device only. When that changes, its claims are judged again: all move. A meter that had to leave
 * is not taken back at once, and each time later.
 *
 * A claim that has not been judged does not count: the first packets of a new flow pass through
 * the software's meter until it is in the device.
 *
 * Lock: meter_lock, after all others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "offload/internal.h"

#define NOWHERE (-1)

struct meter {
	struct hmap_node node; /* in offload.meters, by id */
	uint32_t id;
	bool described;
	struct hal_meter desc;
	struct hal_meter_stats stats;
	int home; /* device or NOWHERE */
	struct {
		unsigned yes, no;
		uint64_t not_before_ms;
		unsigned backoff_ms;
		uint64_t home_ms; /* since when it was at home here */
		char why[120];    /* of the last no */
	} at[HAL_MAX_DEVICES];
};

void meters_open(struct offload *ol)
{
	pthread_mutex_init(&ol->meter_lock, NULL);
	hmap_init(&ol->meters);
}

void meters_close(struct offload *ol)
{
	HMAP_FOR_EACH (m, struct meter, node, &ol->meters) {
		hmap_remove(&ol->meters, &m->node);
		free(m);
	}
	hmap_destroy(&ol->meters);
	pthread_mutex_destroy(&ol->meter_lock);
}

/* ---- with meter_lock ---- */

static struct meter *find(struct offload *ol, uint32_t id)
{
	HMAP_FOR_EACH_HASH (m, struct meter, node, hash_mix(id), &ol->meters) {
		if (m->id == id)
			return m;
	}
	return NULL;
}

static struct meter *get(struct offload *ol, uint32_t id)
{
	struct meter *m = find(ol, id);

	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->id = id;
	m->home = NOWHERE;
	if (!hmap_insert(&ol->meters, &m->node, hash_mix(id)))
		return m;
	free(m);
	return NULL;
}

static void free_if_unused(struct offload *ol, struct meter *m)
{
	if (m->described)
		return;
	for (unsigned d = 0; d < HAL_MAX_DEVICES; d++)
		if (m->at[d].yes || m->at[d].no)
			return;
	hmap_remove(&ol->meters, &m->node);
	free(m);
}

/* Of the device that asks, or of any: those look for themselves at their next turn. */
static void tell(struct offload *ol, unsigned device)
{
	struct device *dev = ol->devices[device];

	if (dev)
		atomic_store_explicit(&dev->meters_moved, true, memory_order_release);
}

static bool welcome(const struct meter *m, unsigned device, uint64_t now)
{
	return m->at[device].yes && !m->at[device].no && now >= m->at[device].not_before_ms;
}

static void leave_home(struct offload *ol, struct meter *m, uint64_t now)
{
	unsigned d = (unsigned)m->home, min = ol->cfg.retry_interval_ms;
	bool turned_out = m->at[d].no != 0;

	m->home = NOWHERE;
	tell(ol, d);
	if (!turned_out)
		return;
	if (now > m->at[d].home_ms + MAX_BACKOFF_MS || !m->at[d].backoff_ms)
		m->at[d].backoff_ms = min;
	else if (m->at[d].backoff_ms < MAX_BACKOFF_MS)
		m->at[d].backoff_ms *= 2;
	m->at[d].not_before_ms = now + m->at[d].backoff_ms;
}

static void find_home(struct offload *ol, struct meter *m)
{
	uint64_t now = now_ms();

	if (m->home != NOWHERE && (!m->at[m->home].yes || m->at[m->home].no))
		leave_home(ol, m, now);
	for (unsigned d = 0; d < HAL_MAX_DEVICES && m->home == NOWHERE; d++) {
		if (!welcome(m, d, now))
			continue;
		m->home = (int)d;
		m->at[d].home_ms = now;
		tell(ol, d);
	}
}

/* ---- device threads ---- */

static bool says_yes(enum standing s)
{
	return s == STANDING_FIT || s == STANDING_METER;
}

void meter_vote(struct device *dev, uint32_t id, enum standing from, enum standing to,
	const struct hal_reason *r)
{
	struct offload *ol = dev->ol;
	unsigned d = dev->index;
	struct meter *m;

	pthread_mutex_lock(&ol->meter_lock);
	m = get(ol, id);
	if (m) {
		m->at[d].yes += (unsigned)says_yes(to) - (unsigned)says_yes(from);
		m->at[d].no +=
			(unsigned)(to == STANDING_MISFIT) - (unsigned)(from == STANDING_MISFIT);
		if (to == STANDING_MISFIT && r)
			hal_reason_format(r, m->at[d].why, sizeof(m->at[d].why));
		find_home(ol, m);
		free_if_unused(ol, m);
	}
	pthread_mutex_unlock(&ol->meter_lock);
}

/* Why the meter is not here. */
static int refuse(struct device *dev, const struct meter *m, struct hal_reason *r)
{
	const char *why = m->at[dev->index].why;

	if (m->at[dev->index].no)
		return hal_refuse_action(r, HAL_REASON_POLICY, ACTION_METER,
			"meter %u is shared with flows that stay in software: %.70s", m->id, why);
	if (m->home != NOWHERE)
		return hal_refuse_action(
			r, HAL_REASON_POLICY, ACTION_METER, "meter %u is in another device", m->id);
	return hal_refuse_action(r, HAL_REASON_POLICY, ACTION_METER,
		"meter %u had to leave the device and stays in software for a while: %.50s", m->id,
		why);
}

int meter_judge(struct device *dev, const struct claim *c, struct hal_reason *r)
{
	struct offload *ol = dev->ol;
	int err = 0;

	for (unsigned i = 0; c->uses && i < c->uses->n && !err; i++) {
		const struct meter *m;

		if (c->uses->o[i]->type != HAL_OBJECT_METER)
			continue;
		pthread_mutex_lock(&ol->meter_lock);
		m = find(ol, c->uses->o[i]->id);
		if (m && m->home != (int)dev->index)
			err = refuse(dev, m, r);
		pthread_mutex_unlock(&ol->meter_lock);
	}
	return err;
}

static void add_stats(struct hal_meter_stats *to, const struct hal_meter_stats *more)
{
	to->packets += more->packets;
	to->bytes += more->bytes;
	to->no_band_bytes |= more->no_band_bytes;
	for (unsigned i = 0; i < HAL_METER_BANDS; i++) {
		to->band_packets[i] += more->band_packets[i];
		to->band_bytes[i] += more->band_bytes[i];
	}
}

void meter_count(struct device *dev, uint32_t id, const struct hal_meter_stats *more)
{
	struct meter *m;

	pthread_mutex_lock(&dev->ol->meter_lock);
	m = find(dev->ol, id);
	if (m)
		add_stats(&m->stats, more);
	pthread_mutex_unlock(&dev->ol->meter_lock);
}

/* Meters whose time away is over. */
void meters_tick(struct device *dev, uint64_t now)
{
	struct offload *ol = dev->ol;

	pthread_mutex_lock(&ol->meter_lock);
	HMAP_FOR_EACH (m, struct meter, node, &ol->meters) {
		if (m->home == NOWHERE && welcome(m, dev->index, now))
			find_home(ol, m);
	}
	pthread_mutex_unlock(&ol->meter_lock);
}

/* Claims that use a meter are judged again; those that are where they belong stay there. */
void meters_moved(struct device *dev)
{
	if (!atomic_exchange_explicit(&dev->meters_moved, false, memory_order_acquire))
		return;
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		const struct claim *c = rule_wanted(rule);

		for (unsigned i = 0; c && c->uses && i < c->uses->n; i++) {
			if (c->uses->o[i]->type != HAL_OBJECT_METER)
				continue;
			rule->recheck = true;
			work_add(dev, rule);
			break;
		}
	}
}

/* ---- control thread ---- */

void meters_forget(struct offload *ol, unsigned device)
{
	pthread_mutex_lock(&ol->meter_lock);
	HMAP_FOR_EACH (m, struct meter, node, &ol->meters) {
		memset(&m->at[device], 0, sizeof(m->at[device]));
		if (m->home == (int)device)
			m->home = NOWHERE;
		find_home(ol, m);
		free_if_unused(ol, m);
	}
	pthread_mutex_unlock(&ol->meter_lock);
}

void meters_describe(struct offload *ol, struct device *dev)
{
	pthread_mutex_lock(&ol->meter_lock);
	HMAP_FOR_EACH (m, struct meter, node, &ol->meters) {
		if (m->described)
			object_send(dev, HAL_OBJECT_METER, m->id, &m->desc, sizeof(m->desc));
	}
	pthread_mutex_unlock(&ol->meter_lock);
}

static int send_all(struct offload *ol, uint32_t id, const struct hal_meter *desc)
{
	int err = 0;

	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++)
		if (ol->devices[i] && object_send(ol->devices[i], HAL_OBJECT_METER, id, desc,
					      desc ? sizeof(*desc) : 0))
			err = -ENOMEM;
	return err;
}

int offload_meter_set(struct offload *ol, uint32_t id, const struct hal_meter *meter)
{
	struct meter *m;
	int err = -ENOMEM;

	if (meter->n_bands > HAL_METER_BANDS)
		return -EINVAL;
	pthread_mutex_lock(&ol->lock);
	pthread_mutex_lock(&ol->meter_lock);
	m = get(ol, id);
	if (m) {
		m->desc = *meter;
		m->described = true;
	}
	pthread_mutex_unlock(&ol->meter_lock);
	if (m)
		err = send_all(ol, id, meter);
	pthread_mutex_unlock(&ol->lock);
	return err;
}

int offload_meter_del(struct offload *ol, uint32_t id)
{
	struct meter *m;
	bool known;

	pthread_mutex_lock(&ol->lock);
	pthread_mutex_lock(&ol->meter_lock);
	m = find(ol, id);
	known = m && m->described;
	if (known) {
		m->described = false;
		memset(&m->stats, 0, sizeof(m->stats));
		free_if_unused(ol, m);
	}
	pthread_mutex_unlock(&ol->meter_lock);
	if (known)
		send_all(ol, id, NULL);
	pthread_mutex_unlock(&ol->lock);
	return known ? 0 : -ENOENT;
}

int offload_meter_stats(struct offload *ol, uint32_t id, struct hal_meter_stats *out)
{
	const struct meter *m;
	int err = -ENOENT;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&ol->meter_lock);
	m = find(ol, id);
	if (m && m->described) {
		*out = m->stats;
		err = 0;
	}
	pthread_mutex_unlock(&ol->meter_lock);
	return err;
}
