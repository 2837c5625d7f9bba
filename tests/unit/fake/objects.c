/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of the device in memory, and chains: what rules name.
 */
#include "hal/walk.h"
#include "internal.h"

void fake_wipe_objects(struct fake *f)
{
	for (unsigned i = 0; i < MAX_OBJECTS; i++)
		free(f->object[i].arg);
	memset(f->object, 0, sizeof(f->object));
	f->objects = 0;
}

static struct fake_object *find_object(struct fake *f, enum hal_object_type type, uint32_t id)
{
	for (unsigned i = 0; i < MAX_OBJECTS; i++)
		if (f->object[i].arg && f->object[i].type == type && f->object[i].id == id)
			return &f->object[i];
	return NULL;
}

struct naming {
	struct fake *f;
	enum hal_object_type type; /* HAL_OBJECT_MAX: look for what is not there */
	uint32_t id;
};

static int names_object(void *ctx, const struct hal_action *a)
{
	struct naming *n = ctx;
	enum hal_object_type type;
	uint32_t id;

	switch (a->type) {
	case ACTION_METER:
		type = HAL_OBJECT_METER;
		id = ((const struct hal_act_meter *)a)->meter;
		break;
	case ACTION_GROUP:
	case ACTION_MIRROR:
		type = a->type == ACTION_GROUP ? HAL_OBJECT_GROUP : HAL_OBJECT_MIRROR;
		id = ((const struct hal_act_object *)a)->id;
		break;
	case ACTION_TUNNEL_PUSH:
		type = HAL_OBJECT_TUNNEL;
		id = ((const struct hal_act_tunnel_push *)a)->port;
		break;
	case ACTION_TUNNEL_POP:
		type = HAL_OBJECT_TUNNEL;
		id = ((const struct hal_act_tunnel_pop *)a)->port;
		break;
	default:
		return 0;
	}
	if (n->type == HAL_OBJECT_MAX)
		return !find_object(n->f, type, id);
	return type == n->type && id == n->id;
}

bool fake_lacks_object(struct fake *f, const struct hal_program *p)
{
	struct naming n = {f, HAL_OBJECT_MAX, 0};

	return hal_program_walk(p, names_object, &n) > 0;
}

static bool is_named(struct fake *f, enum hal_object_type type, uint32_t id)
{
	struct naming n = {f, type, id};

	for (unsigned i = 0; i < MAX_RULES; i++)
		if (f->rules[i].used && hal_program_walk(f->rules[i].program, names_object, &n) > 0)
			return true;
	return false;
}

static int leads_nowhere(void *ctx, const struct hal_action *a)
{
	struct fake *f = ctx;

	if (a->type != ACTION_RECIRC)
		return 0;
	for (unsigned i = 0; i < MAX_RULES; i++)
		if (f->rules[i].used && f->rules[i].chain == ((const struct hal_act_recirc *)a)->id)
			return 0;
	return 1;
}

void fake_look_for_broken_chains(struct fake *f)
{
	for (unsigned i = 0; i < MAX_RULES; i++)
		if (f->rules[i].used && hal_program_walk(f->rules[i].program, leads_nowhere, f) > 0)
			f->broken++;
}

static int set_object(struct fake *f, const struct hal_object *obj, struct hal_reason *r)
{
	struct fake_object *o = find_object(f, obj->type, obj->id);

	if (f->gone)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "it is gone");
	if (obj->len > 4096)
		return hal_refuse(r, HAL_REASON_NO_ROOM, "too large");
	if (fake_scripted(&f->no_object, HAL_OP_ADD))
		return hal_refuse(r, f->no_object.code, "scripted object refusal");
	for (unsigned i = 0; !o && i < MAX_OBJECTS; i++)
		if (!f->object[i].arg)
			o = &f->object[i];
	if (!o)
		return hal_refuse(r, HAL_REASON_NO_ROOM, "no room for objects");
	f->objects += !o->arg;
	free(o->arg);
	o->type = obj->type;
	o->id = obj->id;
	o->len = obj->len;
	o->arg = fake_dup_bytes(obj->arg, obj->len);
	return 0;
}

int fake_object_set(void *dev, const struct hal_object *obj, struct hal_reason *r)
{
	struct fake *f = dev;
	int err;

	fake_enter(f);
	err = set_object(f, obj, r);
	fake_leave(f);
	return err;
}

static int del_object(struct fake *f, enum hal_object_type type, uint32_t id)
{
	struct fake_object *o = find_object(f, type, id);

	if (f->gone)
		return -ENODEV;
	if (id == HAL_OBJECT_ALL) {
		for (unsigned i = 0; i < MAX_OBJECTS; i++)
			if (f->object[i].arg && f->object[i].type == type)
				del_object(f, type, f->object[i].id);
		return 0;
	}
	if (!o)
		return -ENOENT;
	if (f->keep) {
		f->keep--;
		return -EAGAIN;
	}
	if (is_named(f, type, id))
		return -EBUSY;
	free(o->arg);
	memset(o, 0, sizeof(*o));
	f->objects--;
	return 0;
}

int fake_object_del(void *dev, enum hal_object_type type, uint32_t id)
{
	struct fake *f = dev;
	int err;

	fake_enter(f);
	err = del_object(f, type, id);
	if (err == -EBUSY)
		f->dangling++;
	fake_leave(f);
	return err;
}

int fake_object_stats(
	void *dev, enum hal_object_type type, uint32_t id, struct hal_object_stats *out)
{
	struct fake *f = dev;
	const struct fake_object *o;

	fake_enter(f);
	o = find_object(f, type, id);
	if (o)
		*out = o->stats;
	fake_leave(f);
	return o ? 0 : -ENOENT;
}

/* ---- what tests ask of objects ---- */

QUERY(unsigned, fake_dangling, f->dangling)
QUERY(unsigned, fake_broken_chains, f->broken)

unsigned fake_objects_of(struct fake *f, enum hal_object_type type)
{
	unsigned n = 0;

	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < MAX_OBJECTS; i++)
		n += f->object[i].arg && f->object[i].type == type;
	pthread_mutex_unlock(&f->lock);
	return n;
}

const void *fake_object(struct fake *f, enum hal_object_type type, uint32_t id, uint32_t *len)
{
	const struct fake_object *o;

	WITH(f, o = find_object(f, type, id));
	if (o && len)
		*len = o->len;
	return o ? o->arg : NULL;
}

bool fake_count_object(
	struct fake *f, enum hal_object_type type, uint32_t id, const struct hal_object_stats *s)
{
	struct fake_object *o;

	WITH(f, o = find_object(f, type, id); if (o) o->stats = *s);
	return o;
}

void fake_refuse_objects(struct fake *f, unsigned n, enum hal_reason_code code)
{
	WITH(f, f->no_object = ((struct script){n, HAL_OP_ADD, code}));
}

void fake_keep_objects(struct fake *f, unsigned n)
{
	WITH(f, f->keep = n);
}
