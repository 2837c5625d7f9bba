/* SPDX-License-Identifier: Apache-2.0
 *
 * Meters: policers of ours, each shared by the rules that name the meter.
 *
 * The kernel counts who uses a policer, too, and lets go of a filter's a while after the filter. So
 * one that is deleted may wait for its end, as those do that a former run left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "drivers/tc/meter.h"
#include "drivers/tc/tc.h"

#define TRIES 4096 /* of indexes that others may have */

static struct tc_meter *find(const struct tc_dev *dev, uint32_t id, bool ending)
{
	HMAP_FOR_EACH_HASH (m, struct tc_meter, by_id, hash_mix(id), &dev->meters) {
		if (m->id == id && m->ending == ending)
			return m;
	}
	return NULL;
}

struct tc_meter *tc_meter_find(const struct tc_dev *dev, uint32_t id)
{
	return find(dev, id, false);
}

uint32_t tc_meter_index(const struct tc_dev *dev, uint32_t id)
{
	const struct tc_meter *m = tc_meter_find(dev, id);

	return m ? m->index : 0;
}

struct tc_meter *tc_meter_at(const struct tc_dev *dev, uint32_t index)
{
	HMAP_FOR_EACH_HASH (m, struct tc_meter, by_index, hash_mix(index), &dev->meters_by_index) {
		if (m->index == index)
			return m;
	}
	return NULL;
}

int tc_meter_id(const struct tc_dev *dev, uint32_t index, uint32_t *id)
{
	const struct tc_meter *m = tc_meter_at(dev, index);

	if (m)
		*id = m->id;
	return m ? 0 : -ENOENT;
}

static struct tc_meter *add(struct tc_dev *dev, uint32_t id, uint32_t index)
{
	struct tc_meter *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->id = id;
	m->index = index;
	m->uncounted = tc_by_kernel(dev) ? TC_LINK_HEADER : 0;
	if (hmap_insert(&dev->meters, &m->by_id, hash_mix(id)))
		goto free_meter;
	if (!hmap_insert(&dev->meters_by_index, &m->by_index, hash_mix(index)))
		return m;
	hmap_remove(&dev->meters, &m->by_id);

free_meter:
	free(m);
	return NULL;
}

static void forget(struct tc_dev *dev, struct tc_meter *m)
{
	dev->n_ending -= m->ending;
	hmap_remove(&dev->meters, &m->by_id);
	hmap_remove(&dev->meters_by_index, &m->by_index);
	free(m);
}

/* ---- asking the kernel ---- */

static void take_reading(void *ctx, const struct tc_standing *s)
{
	struct tc_reading *r = ctx;

	if (s->polices)
		r->policer = *s;
	else
		r->counter = *s;
}

static int take_object(void *ctx, unsigned i, struct nlmsghdr *h)
{
	(void)i;
	if (ctx)
		tc_standing_take(h, take_reading, ctx);
	return 0;
}

/* Takes the message. 0 or -errno; the kernel's words are in `a`. */
static int run(
	struct tc_dev *dev, struct nl_msg *msg, struct tc_reading *out, struct netdev_answer *a)
{
	int err = msg ? netdev_channel_run(dev->ch, &msg, 1, a, take_object, out) : -ENOMEM;

	nlmsg_free(msg);
	return err ? err : a->error;
}

static bool is_ours(const struct tc_dev *dev, const struct tc_meter *m, const struct tc_standing *s)
{
	return s->has_owner && s->owner.instance == dev->instance && s->owner.meter == m->id;
}

/* Of these parts of an index. -ENOENT: there are none. */
static int read_parts(struct tc_dev *dev, uint32_t index, unsigned parts, struct tc_reading *out)
{
	struct netdev_answer a;
	int err;

	memset(out, 0, sizeof(*out));
	err = run(dev, tc_police_request(RTM_GETACTION, index, parts), out, &a);
	return err == -EINVAL ? -ENOENT : err; /* not even what it would be is loaded */
}

int tc_meter_read(struct tc_dev *dev, const struct tc_meter *m, struct tc_reading *out)
{
	const unsigned parts = tc_by_kernel(dev) ? TC_POLICER | TC_COUNTER : TC_POLICER;
	int err = read_parts(dev, m->index, parts, out);

	if (err)
		return err;
	return is_ours(dev, m, &out->policer) ? 0 : -ENOENT;
}

/* -EBUSY: a filter still uses it. */
static int delete_part(struct tc_dev *dev, const struct tc_meter *m, unsigned part)
{
	struct tc_reading now;
	struct netdev_answer a;
	int err = read_parts(dev, m->index, part, &now);

	if (!err && !is_ours(dev, m, part == TC_POLICER ? &now.policer : &now.counter))
		return 0;
	if (!err)
		err = run(dev, tc_police_request(RTM_DELACTION, m->index, part), NULL, &a);
	if (err == -EPERM)
		return -EBUSY;
	return err == -ENOENT ? 0 : err;
}

/* What is left behind if we are killed in between is found by its policer. */
static int delete_actions(struct tc_dev *dev, const struct tc_meter *m)
{
	int err = delete_part(dev, m, TC_COUNTER);

	return err ? err : delete_part(dev, m, TC_POLICER);
}

/* ---- counters ---- */

/* What passed is read after what came, so that what is missing was dropped, and more perhaps. */
static void see_dropped(
	struct tc_meter *m, const struct tc_standing *in, const struct tc_standing *on)
{
	const uint64_t packets = in->packets - on->packets;
	const uint64_t bytes = in->bytes - on->bytes + packets * m->uncounted;

	if (on->packets > in->packets || on->bytes > in->bytes)
		return;
	if (packets > m->dropped)
		m->dropped = packets;
	if (bytes > m->dropped_bytes)
		m->dropped_bytes = bytes;
}

static void add_stats(const struct tc_dev *dev, struct tc_meter *m, const struct tc_reading *now,
	struct hal_meter_stats *s)
{
	const struct tc_standing *in = &now->policer;

	s->packets += in->packets;
	s->bytes += in->bytes + in->packets * m->uncounted;
	if (!tc_by_kernel(dev)) {
		s->band_packets[0] += in->dropped;
		s->no_band_bytes |= in->dropped != 0;
		return;
	}
	see_dropped(m, in, &now->counter);
	s->band_packets[0] += m->dropped;
	s->band_bytes[0] += m->dropped_bytes;
}

int tc_object_stats(void *ctx, enum hal_object_type type, uint32_t id, struct hal_object_stats *out)
{
	struct tc_dev *dev = ctx;
	struct tc_meter *m = type == HAL_OBJECT_METER ? tc_meter_find(dev, id) : NULL;
	struct tc_reading now;
	int err = m ? tc_meter_read(dev, m, &now) : -ENOENT;

	if (err)
		return err;
	*out = (struct hal_object_stats){.meter = m->base};
	add_stats(dev, m, &now, &out->meter);
	return 0;
}

/* ---- making and deleting ---- */

static int refuse(
	struct hal_reason *r, const struct tc_meter *m, int err, const struct netdev_answer *a)
{
	hal_refuse(r, err == -ENOMEM ? HAL_REASON_RETRY : HAL_REASON_UNSUPPORTED_COMBINATION,
		"TC takes no policer for meter %u: %s", m->id,
		a->text[0] ? a->text : strerror(-err));
	if (r) {
		r->action = ACTION_METER;
		r->error = -err;
	}
	return err;
}

static struct nl_msg *request_new(struct tc_dev *dev, const struct tc_meter *m, int flags)
{
	const struct tc_police_owner owner = {dev->instance, m->id};

	return tc_police_new(flags, m->index, &owner, &m->policer, tc_by_kernel(dev), m->uncounted);
}

/* Under an index that nobody has. The kernel says nothing of whose one is that is taken. */
static int make(struct tc_dev *dev, struct tc_meter *m, struct hal_reason *r)
{
	struct netdev_answer a = {0};
	int err = -EEXIST;

	for (unsigned i = 0; err == -EEXIST && i < TRIES; i++) {
		m->index = TC_METER_INDEX + dev->next_meter++ % TC_MAX_METERS;
		err = run(dev, request_new(dev, m, NLM_F_EXCL), NULL, &a);
	}
	return err ? refuse(r, m, err, &a) : 0;
}

static int make_new(
	struct tc_dev *dev, uint32_t id, const struct tc_policer *p, struct hal_reason *r)
{
	struct tc_meter like = {
		.id = id, .policer = *p, .uncounted = tc_by_kernel(dev) ? TC_LINK_HEADER : 0};
	struct tc_meter *m;
	int err = make(dev, &like, r);

	if (err)
		return err;
	m = add(dev, id, like.index);
	if (m) {
		m->policer = *p;
		return 0;
	}
	delete_actions(dev, &like);
	return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
}

static int change(
	struct tc_dev *dev, struct tc_meter *m, const struct tc_policer *p, struct hal_reason *r)
{
	const struct tc_policer was = m->policer;
	struct netdev_answer a = {0};
	struct tc_reading now;
	int err = tc_meter_read(dev, m, &now);

	if (err)
		return refuse(r, m, err, &a);
	m->policer = *p;
	err = run(dev, request_new(dev, m, NLM_F_REPLACE), NULL, &a);
	if (!err)
		return 0;
	m->policer = was;
	return refuse(r, m, err, &a);
}

int tc_object_set(void *ctx, const struct hal_object *obj, struct hal_reason *r)
{
	const struct hal_meter *desc = obj->arg;
	struct tc_dev *dev = ctx;
	struct tc_policer p;
	struct tc_reading now;
	struct tc_meter *m;
	int err;

	if (obj->type != HAL_OBJECT_METER)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_ACTION, "TC has no %s objects",
			hal_object_name(obj->type));
	if (obj->len != sizeof(*desc))
		return hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"a meter is described in %zu bytes, not %u", sizeof(*desc), obj->len);
	err = tc_police_make(desc, tc_by_kernel(dev), &p, r);
	if (err)
		return err;
	m = tc_meter_find(dev, obj->id);
	if (m && !m->users && tc_meter_read(dev, m, &now) == -ENOENT) { /* somebody deleted it */
		forget(dev, m);
		m = NULL;
	}
	return m ? change(dev, m, &p, r) : make_new(dev, obj->id, &p, r);
}

int tc_meter_remake(
	struct tc_dev *dev, struct tc_meter *m, unsigned uncounted, struct hal_reason *r)
{
	struct hal_meter_stats stats = m->base;
	struct tc_meter new = *m;
	struct tc_reading now;
	int err = tc_meter_read(dev, m, &now);

	if (!err)
		add_stats(dev, m, &now, &stats);
	new.uncounted = uncounted;
	err = make(dev, &new, r);
	if (err)
		return err;
	if (delete_actions(dev, m)) { /* somebody began to use it */
		delete_actions(dev, &new);
		return -EBUSY;
	}
	hmap_remove(&dev->meters_by_index, &m->by_index);
	m->index = new.index;
	m->uncounted = uncounted;
	m->base = stats;
	m->dropped = m->dropped_bytes = 0;
	if (!hmap_insert(&dev->meters_by_index, &m->by_index, hash_mix(m->index)))
		return 0;
	delete_actions(dev, m);
	hmap_remove(&dev->meters, &m->by_id);
	free(m);
	return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
}

/* 0 or -errno; -EBUSY: it is done later. */
static int delete_one(struct tc_dev *dev, struct tc_meter *m)
{
	int err = delete_actions(dev, m);

	if (!err)
		forget(dev, m);
	return err;
}

void tc_meters_sweep(struct tc_dev *dev)
{
	if (!dev->n_ending)
		return;
	HMAP_FOR_EACH (m, struct tc_meter, by_id, &dev->meters) {
		if (m->ending)
			delete_one(dev, m);
	}
}

static int delete_unused(struct tc_dev *dev, struct tc_meter *m)
{
	int err;

	if (m->users)
		return -EBUSY;
	err = delete_one(dev, m);
	if (err != -EBUSY)
		return err;
	m->ending = true;
	dev->n_ending++;
	return 0;
}

int tc_object_del(void *ctx, enum hal_object_type type, uint32_t id)
{
	struct tc_dev *dev = ctx;
	struct tc_meter *m;

	if (type != HAL_OBJECT_METER)
		return -EOPNOTSUPP;
	tc_meters_sweep(dev);
	if (id != HAL_OBJECT_ALL) {
		m = tc_meter_find(dev, id);
		return m ? delete_unused(dev, m) : -ENOENT;
	}
	HMAP_FOR_EACH (one, struct tc_meter, by_id, &dev->meters) {
		if (!one->ending)
			delete_unused(dev, one);
	}
	return 0;
}

/* ---- what a former run left ---- */

struct leftovers {
	struct tc_dev *dev;
	int err;
};

static void take_leftover(void *ctx, const struct tc_standing *s)
{
	struct leftovers *l = ctx;
	struct tc_meter *m;

	if (!s->polices || !s->has_owner || s->owner.instance != l->dev->instance)
		return;
	m = add(l->dev, s->owner.meter, s->index);
	if (!m) {
		l->err = -ENOMEM;
		return;
	}
	m->ending = true;
	l->dev->n_ending++;
}

static int take_dumped(void *ctx, unsigned i, struct nlmsghdr *h)
{
	(void)i;
	tc_standing_take(h, take_leftover, ctx);
	return 0;
}

int tc_meters_open(struct tc_dev *dev)
{
	struct leftovers l = {.dev = dev};
	struct nl_msg *msg = tc_police_dump();
	int err;

	hmap_init(&dev->meters);
	hmap_init(&dev->meters_by_index);
	dev->next_meter = dev->instance;
	dev->batch = 1; /* none is promised to rules of it */
	err = msg ? netdev_channel_dump(dev->ch, msg, take_dumped, &l) : -ENOMEM;
	nlmsg_free(msg);
	if (!err)
		err = l.err;
	if (err)
		tc_meters_close(dev);
	else
		tc_meters_sweep(dev);
	return err;
}

void tc_meters_close(struct tc_dev *dev)
{
	HMAP_FOR_EACH (m, struct tc_meter, by_id, &dev->meters)
		forget(dev, m);
	hmap_destroy(&dev->meters);
	hmap_destroy(&dev->meters_by_index);
}
