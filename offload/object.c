/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of a device: made before the first rule that names them, gone after the last.
 *
 * Groups and mirrors are thought of here and known by their content; meters and tunnels are
 * described by the control thread; an "object" of type CONNECTION stands for a conntrack zone that
 * rules use, whose connections connection.c puts into the device.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/mutation.h"
#include "offload/internal.h"

LOG_DEFINE(offload_object);

static uint32_t object_hash(enum hal_object_type type, uint32_t id)
{
	return hash_mix((uint64_t)type << 32 | id);
}

struct object *object_find(struct device *dev, enum hal_object_type type, uint32_t id)
{
	HMAP_FOR_EACH_HASH (o, struct object, node, object_hash(type, id), &dev->objects) {
		if (o->type == type && o->id == id)
			return o;
	}
	return NULL;
}

struct object *object_get(struct device *dev, enum hal_object_type type, uint32_t id)
{
	struct object *o = object_find(dev, type, id);

	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->type = type;
	o->id = id;
	if (!hmap_insert(&dev->objects, &o->node, object_hash(type, id)))
		return o;
	free(o);
	return NULL;
}

static void object_free(struct device *dev, struct object *o)
{
	hmap_remove(&dev->objects, &o->node);
	free(o->desc);
	free(o);
}

void object_free_if_idle(struct device *dev, struct object *o)
{
	if (!o->users && !o->refs && (!o->desc || o->ours))
		object_free(dev, o);
}

bool object_is_listed(const struct object_list *l, const struct object *o)
{
	for (unsigned i = 0; l && i < l->n; i++)
		if (l->o[i] == o)
			return true;
	return false;
}

static int add_user(struct device *dev, struct object *o, struct object_list **uses)
{
	struct object_list *l = *uses;
	unsigned n = l ? l->n : 0;

	if (object_is_listed(l, o))
		return 0;
	l = realloc(l, sizeof(*l) + (n + 1) * sizeof(struct object *));
	if (!l) {
		object_free_if_idle(dev, o);
		return -ENOMEM;
	}
	l->o[n] = o;
	l->n = n + 1;
	*uses = l;
	o->users++;
	return 0;
}

int object_use(
	struct device *dev, enum hal_object_type type, uint32_t id, struct object_list **uses)
{
	struct object *o = object_get(dev, type, id);

	return o ? add_user(dev, o, uses) : -ENOMEM;
}

static struct object *find_content(
	struct device *dev, enum hal_object_type type, const void *desc, uint32_t len)
{
	HMAP_FOR_EACH (o, struct object, node, &dev->objects) {
		if (o->type == type && o->ours && o->len == len &&
			MUTATE(441, !memcmp(o->desc, desc, len), true))
			return o;
	}
	return NULL;
}

/* Ids begin at a place of each run's own, so that those of a former run are not met. */
static uint32_t new_id(struct device *dev, enum hal_object_type type)
{
	do
		dev->next_object = (dev->next_object + 1) & 0x7fffffff;
	while (!dev->next_object || object_find(dev, type, dev->next_object));
	return dev->next_object;
}

int object_intern(struct device *dev, enum hal_object_type type, const void *desc, uint32_t len,
	struct object_list **uses, uint32_t *id)
{
	struct object *o = find_content(dev, type, desc, len);

	if (!o) {
		o = object_get(dev, type, new_id(dev, type));
		if (!o)
			return -ENOMEM;
		o->ours = true;
		o->len = len;
		o->desc = malloc(len);
		if (!o->desc) {
			object_free(dev, o);
			return -ENOMEM;
		}
		memcpy(o->desc, desc, len);
	}
	*id = o->id;
	return add_user(dev, o, uses);
}

void objects_drop(struct device *dev, struct object_list *uses)
{
	for (unsigned i = 0; uses && i < uses->n; i++) {
		uses->o[i]->users--;
		object_free_if_idle(dev, uses->o[i]);
	}
	free(uses);
}

/* ---- in the device ---- */

static void note(struct device *dev, struct object *o, bool made)
{
	o->made = made;
	if (o->type == HAL_OBJECT_CONNECTION) {
		connections_zone(dev, (uint16_t)o->id, made);
		return;
	}
	pthread_mutex_lock(&dev->lock);
	dev->info.objects[o->type] += made ? 1 : -1ull;
	pthread_mutex_unlock(&dev->lock);
}

int object_push(struct device *dev, const struct object *o, struct hal_reason *r)
{
	const struct hal_object obj = {.type = o->type, .id = o->id, .len = o->len, .arg = o->desc};

	return hal_object_set(dev->hal, &obj, r);
}

static int make(struct device *dev, struct object *o, struct hal_reason *r)
{
	int err = 0;

	if (o->type != HAL_OBJECT_CONNECTION) {
		err = object_push(dev, o, r);
		if (!err)
			err = hal_object_ref(dev->hal, o->type, o->id);
	}
	if (err)
		return err;
	memset(&o->last, 0, sizeof(o->last));
	note(dev, o, true);
	return 0;
}

static void read_meter(struct device *dev, struct object *o);

static void put_ref(struct device *dev, struct object *o)
{
	int err = 0;

	if (--o->refs)
		return;
	if (o->made) {
		if (MUTATE(440, o->type == HAL_OBJECT_METER, false))
			read_meter(dev, o);
		note(dev, o, false);
		if (o->type != HAL_OBJECT_CONNECTION)
			err = hal_object_unref(dev->hal, o->type, o->id);
		if (err && err != -ENOENT && dev->mode == MODE_RUN)
			log_warn("%s: %s %u could not be deleted and is tried again: %s",
				dev->info.name, hal_object_name(o->type), o->id, strerror(-err));
		dev->room = true;
	}
	object_free_if_idle(dev, o);
}

static void put_refs(struct device *dev, struct object_list **l)
{
	for (unsigned i = 0; *l && i < (*l)->n; i++)
		put_ref(dev, (*l)->o[i]);
	free(*l);
	*l = NULL;
}

int objects_judge(struct device *dev, const struct object_list *uses, struct hal_reason *r)
{
	(void)dev;
	for (unsigned i = 0; uses && i < uses->n; i++) {
		const struct object *o = uses->o[i];

		if (!o->desc && o->type != HAL_OBJECT_CONNECTION)
			return hal_refuse(r, HAL_REASON_DEPENDS, "nobody has described %s %u yet",
				hal_object_name(o->type), o->id);
	}
	return 0;
}

int objects_hold(struct device *dev, struct rule *rule, struct claim *c, struct hal_reason *r)
{
	unsigned n = c->uses ? c->uses->n : 0;
	int err = 0;

	if (!n)
		return 0;
	put_refs(dev, &rule->coming);
	rule->coming = calloc(1, sizeof(*rule->coming) + n * sizeof(struct object *));
	if (!rule->coming)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	for (unsigned i = 0; i < n && !err; i++) {
		struct object *o = c->uses->o[i];

		if (!o->made)
			err = make(dev, o, r);
		if (err)
			break;
		o->refs++;
		rule->coming->o[rule->coming->n++] = o;
	}
	if (err)
		put_refs(dev, &rule->coming);
	return err;
}

/* An operation has completed: what the rule names now is known, unless the device is unsure. */
void objects_settle(struct device *dev, struct rule *rule, struct claim *carried)
{
	if (rule->have == HAVE_UNSURE)
		return;
	if (carried && rule->have == HAVE_CLAIM && rule->holder == carried) {
		put_refs(dev, &rule->in_use);
		rule->in_use = rule->coming;
		rule->coming = NULL;
	}
	put_refs(dev, &rule->coming);
	if (rule->have == HAVE_NONE)
		put_refs(dev, &rule->in_use);
}

void objects_release(struct device *dev, struct rule *rule)
{
	put_refs(dev, &rule->in_use);
	put_refs(dev, &rule->coming);
}

void objects_forget(struct device *dev)
{
	HMAP_FOR_EACH (o, struct object, node, &dev->objects) {
		if (o->made)
			note(dev, o, false);
	}
}

void objects_free(struct device *dev)
{
	HMAP_FOR_EACH (o, struct object, node, &dev->objects) {
		object_free(dev, o);
	}
}

/* ---- counters ---- */

static uint64_t moved(uint64_t from, uint64_t to)
{
	return to >= from ? to - from : to; /* it has begun again */
}

static void read_meter(struct device *dev, struct object *o)
{
	struct hal_object_stats now;
	struct hal_meter_stats more, *last = &o->last.meter;

	if (hal_object_stats_read(dev->hal, o->type, o->id, &now))
		return;
	more.packets = moved(last->packets, now.meter.packets);
	more.bytes = moved(last->bytes, now.meter.bytes);
	more.no_band_bytes = now.meter.no_band_bytes;
	for (unsigned i = 0; i < HAL_METER_BANDS; i++) {
		more.band_packets[i] = moved(last->band_packets[i], now.meter.band_packets[i]);
		more.band_bytes[i] = moved(last->band_bytes[i], now.meter.band_bytes[i]);
	}
	o->last = now;
	meter_count(dev, o->id, &more);
}

void objects_read(struct device *dev)
{
	HMAP_FOR_EACH (o, struct object, node, &dev->objects) {
		if (o->made && o->type == HAL_OBJECT_METER)
			read_meter(dev, o);
	}
}
