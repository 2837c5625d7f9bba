/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that rules refer to: who uses them is counted here, so that a driver only makes and
 * deletes them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/device.h"

static uint32_t object_hash(enum hal_object_type type, uint32_t id)
{
	return hash_mix((uint64_t)type << 32 | id);
}

static struct hal_booking *find(struct hal_device *dev, enum hal_object_type type, uint32_t id)
{
	HMAP_FOR_EACH_HASH (o, struct hal_booking, node, object_hash(type, id), &dev->objects) {
		if (o->type == type && o->id == id)
			return o;
	}
	return NULL;
}

/* What it could not delete is asked for once more. */
static int try_delete(struct hal_device *dev, struct hal_booking *o)
{
	int err = dev->drv.object_del(dev->priv, o->type, o->id);

	if (err && err != -ENOENT && err != -EOPNOTSUPP) {
		o->dying = true;
		return err;
	}
	dev->n_objects[o->type]--;
	hmap_remove(&dev->objects, &o->node);
	free(o);
	return err == -EOPNOTSUPP ? 0 : err;
}

unsigned hal_objects_sweep(struct hal_device *dev)
{
	unsigned left = 0;

	HMAP_FOR_EACH (o, struct hal_booking, node, &dev->objects) {
		if (o->dying && try_delete(dev, o))
			left++;
	}
	return left;
}

/* Those that wait to be deleted make room first. */
static int check_room(struct hal_device *dev, enum hal_object_type type, struct hal_reason *r)
{
	uint32_t max = dev->caps.max_objects[type];

	if (max && dev->n_objects[type] >= max)
		hal_objects_sweep(dev);
	if (!max || dev->n_objects[type] < max)
		return 0;
	return hal_refuse(r, HAL_REASON_NO_ROOM, "all %u %s objects of %s are in use", max,
		hal_object_name(type), dev->name);
}

static int book(struct hal_device *dev, const struct hal_object *obj, struct hal_booking **out,
	struct hal_reason *r)
{
	struct hal_booking *o;
	int err = check_room(dev, obj->type, r);

	if (err)
		return err;
	o = calloc(1, sizeof(*o));
	if (!o)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	o->type = obj->type;
	o->id = obj->id;
	err = hmap_insert(&dev->objects, &o->node, object_hash(o->type, o->id));
	if (err) {
		free(o);
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	}
	dev->n_objects[o->type]++;
	*out = o;
	return 0;
}

int hal_object_set(struct hal_device *dev, const struct hal_object *obj, struct hal_reason *r)
{
	struct hal_booking *o, *fresh = NULL;
	struct hal_reason mine;
	int err;

	if (!r)
		r = &mine;
	hal_reason_clear(r);
	if ((unsigned)obj->type >= HAL_OBJECT_MAX || !dev->caps.object[obj->type])
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_ACTION, "%s has no %s objects",
			dev->name, hal_object_name(obj->type));
	o = find(dev, obj->type, obj->id);
	if (!o) {
		err = book(dev, obj, &fresh, r);
		if (err)
			return err;
		o = fresh;
	}
	err = dev->drv.object_set(dev->priv, obj, r);
	if (!err) {
		o->dying = false;
		return 0;
	}
	if (r->code == HAL_REASON_NONE) {
		hal_refuse(
			r, HAL_REASON_DEVICE_ERROR, "%s %u", hal_object_name(obj->type), obj->id);
		r->error = -err;
	}
	if (fresh) {
		dev->n_objects[fresh->type]--;
		hmap_remove(&dev->objects, &fresh->node);
		free(fresh);
	}
	return err;
}

int hal_object_ref(struct hal_device *dev, enum hal_object_type type, uint32_t id)
{
	struct hal_booking *o = find(dev, type, id);

	if (!o || o->dying)
		return -ENOENT;
	o->refs++;
	return 0;
}

int hal_object_unref(struct hal_device *dev, enum hal_object_type type, uint32_t id)
{
	struct hal_booking *o = find(dev, type, id);

	if (!o || o->dying)
		return -ENOENT;
	if (!o->refs)
		return -EINVAL;
	if (--o->refs)
		return 0;
	return try_delete(dev, o);
}

int hal_object_drop(struct hal_device *dev, enum hal_object_type type, uint32_t id)
{
	if ((unsigned)type >= HAL_OBJECT_MAX || !dev->caps.object[type])
		return -EOPNOTSUPP;
	if (id != HAL_OBJECT_ALL && find(dev, type, id))
		return -EBUSY;
	return dev->drv.object_del(dev->priv, type, id);
}

int hal_object_stats_read(struct hal_device *dev, enum hal_object_type type, uint32_t id,
	struct hal_object_stats *out)
{
	if (!find(dev, type, id))
		return -ENOENT;
	*out = (struct hal_object_stats){0};
	return dev->drv.object_stats(dev->priv, type, id, out);
}

void hal_objects_clear(struct hal_device *dev)
{
	HMAP_FOR_EACH (o, struct hal_booking, node, &dev->objects) {
		hmap_remove(&dev->objects, &o->node);
		free(o);
	}
	memset(dev->n_objects, 0, sizeof(dev->n_objects));
}
