/* SPDX-License-Identifier: Apache-2.0
 *
 * What objects are: descriptions of meters and tunnels on their way from the control thread to each
 * device's, the table of tunnels, and what a former run left in a device.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/walk.h"
#include "offload/internal.h"

LOG_DEFINE(offload_describe);

struct object_event {
	struct event event;
	enum hal_object_type type;
	uint32_t id, len;
	bool gone;
	uint64_t desc[];
};

int object_send(
	struct device *dev, enum hal_object_type type, uint32_t id, const void *desc, uint32_t len)
{
	struct object_event *ev = calloc(1, sizeof(*ev) + len);

	if (!ev)
		return -ENOMEM;
	ev->event.type = EVENT_OBJECT;
	ev->type = type;
	ev->id = id;
	ev->len = len;
	ev->gone = !desc;
	if (desc)
		memcpy(ev->desc, desc, len);
	device_send(dev, &ev->event);
	return 0;
}

void object_event_free(struct event *ev)
{
	free(ev);
}

/* What uses it is judged again. */
void objects_recheck(struct device *dev, enum hal_object_type type, uint32_t id)
{
	const struct object *o = object_find(dev, type, id);

	if (!o || !o->users)
		return;
	HMAP_FOR_EACH (rule, struct rule, node, &dev->rules) {
		struct claim *c = rule_wanted(rule);

		if (!c || !object_is_listed(c->uses, o))
			continue;
		if (c->unfit) /* for what the object was before, perhaps */
			c->judged = c->unfit = false;
		if (c->blocked)
			retry_forget(dev, c);
		rule->recheck = true;
		work_add(dev, rule);
	}
}

static void describe(struct device *dev, const struct object_event *ev)
{
	struct object *o = object_get(dev, ev->type, ev->id);
	void *desc = ev->gone ? NULL : malloc(ev->len);
	struct hal_reason r;
	char why[200];

	if (!o || (!desc && !ev->gone)) {
		log_err("%s: out of memory: %s %u stays in software", dev->info.name,
			hal_object_name(ev->type), ev->id);
		free(desc);
		return;
	}
	if (desc)
		memcpy(desc, ev->desc, ev->len);
	free(o->desc);
	o->desc = desc;
	o->len = desc ? ev->len : 0;
	if (desc && o->made && object_push(dev, o, &r)) {
		hal_reason_format(&r, why, sizeof(why));
		log_warn("%s: %s %u could not be changed, its flows leave the device: %s",
			dev->info.name, hal_object_name(o->type), o->id, why);
		free(o->desc);
		o->desc = NULL;
	}
	objects_recheck(dev, ev->type, ev->id);
	if (ev->type == HAL_OBJECT_TUNNEL)
		retry_ports(dev);
	object_free_if_idle(dev, o);
}

void object_arrived(struct device *dev, struct event *ev)
{
	struct object_event *oe = (struct object_event *)(void *)ev;

	describe(dev, oe);
	free(oe);
}

bool tunnel_is_known(struct device *dev, uint32_t port)
{
	const struct object *o = object_find(dev, HAL_OBJECT_TUNNEL, port);

	return o && o->desc && dev->caps->object[HAL_OBJECT_TUNNEL];
}

/* ---- what a former run left ---- */

static bool names(const struct hal_action *a, enum hal_object_type *type, uint32_t *id)
{
	switch (a->type) {
	case ACTION_METER:
		*type = HAL_OBJECT_METER;
		*id = ((const struct hal_act_meter *)a)->meter;
		return true;
	case ACTION_GROUP:
	case ACTION_MIRROR:
		*type = a->type == ACTION_GROUP ? HAL_OBJECT_GROUP : HAL_OBJECT_MIRROR;
		*id = ((const struct hal_act_object *)a)->id;
		return true;
	case ACTION_TUNNEL_PUSH:
		*type = HAL_OBJECT_TUNNEL;
		*id = ((const struct hal_act_tunnel_push *)a)->port;
		return true;
	case ACTION_TUNNEL_POP:
		*type = HAL_OBJECT_TUNNEL;
		*id = ((const struct hal_act_tunnel_pop *)a)->port;
		return true;
	default:
		return false;
	}
}

static int names_some(void *ctx, const struct hal_action *a)
{
	enum hal_object_type type;
	uint32_t id;

	(void)ctx;
	return names(a, &type, &id) || a->type == ACTION_CT || a->type == ACTION_RECIRC;
}

bool program_names_objects(const struct hal_program *p)
{
	return hal_program_walk(p, names_some, NULL) > 0;
}

static int drop_foreign(void *ctx, const struct hal_action *a)
{
	struct device *dev = ctx;
	enum hal_object_type type;
	uint32_t id;

	/* Others may still use it: the last of them drops it. */
	if (names(a, &type, &id))
		(void)hal_object_drop(dev->hal, type, id);
	return 0;
}

void objects_drop_foreign(struct device *dev, const struct hal_program *p)
{
	hal_program_walk(p, drop_foreign, dev);
}

/* ---- control thread: tunnels ---- */

struct tunnel {
	struct hmap_node node; /* in offload.tunnels, by port */
	uint32_t port;
	struct hal_tunnel end;
};

static struct tunnel *tunnel_find(struct offload *ol, uint32_t port)
{
	HMAP_FOR_EACH_HASH (t, struct tunnel, node, hash_mix(port), &ol->tunnels) {
		if (t->port == port)
			return t;
	}
	return NULL;
}

static int send_all(struct offload *ol, uint32_t port, const struct hal_tunnel *end)
{
	int err = 0;

	for (unsigned i = 0; i < HAL_MAX_DEVICES; i++)
		if (ol->devices[i] && object_send(ol->devices[i], HAL_OBJECT_TUNNEL, port, end,
					      end ? sizeof(*end) : 0))
			err = -ENOMEM;
	return err;
}

int offload_tunnel_set(struct offload *ol, uint32_t port, const struct hal_tunnel *tunnel)
{
	struct tunnel *t;
	int err = -ENOMEM;

	pthread_mutex_lock(&ol->lock);
	t = tunnel_find(ol, port);
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			goto unlock;
		t->port = port;
		err = hmap_insert(&ol->tunnels, &t->node, hash_mix(port));
		if (err) {
			free(t);
			goto unlock;
		}
	}
	t->end = *tunnel;
	t->end.port = port;
	err = send_all(ol, port, &t->end);
unlock:
	pthread_mutex_unlock(&ol->lock);
	return err;
}

int offload_tunnel_del(struct offload *ol, uint32_t port)
{
	struct tunnel *t;

	pthread_mutex_lock(&ol->lock);
	t = tunnel_find(ol, port);
	if (t) {
		hmap_remove(&ol->tunnels, &t->node);
		free(t);
		send_all(ol, port, NULL);
	}
	pthread_mutex_unlock(&ol->lock);
	return t ? 0 : -ENOENT;
}

void objects_describe(struct offload *ol, struct device *dev)
{
	HMAP_FOR_EACH (t, struct tunnel, node, &ol->tunnels) {
		object_send(dev, HAL_OBJECT_TUNNEL, t->port, &t->end, sizeof(t->end));
	}
	meters_describe(ol, dev);
}

void tunnels_free(struct offload *ol)
{
	HMAP_FOR_EACH (t, struct tunnel, node, &ol->tunnels) {
		hmap_remove(&ol->tunnels, &t->node);
		free(t);
	}
	hmap_destroy(&ol->tunnels);
}
