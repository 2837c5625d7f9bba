/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that rules refer to: who uses them is counted here, so that a driver only makes and
 * deletes them.
 */
#include <errno.h>
#include <stdlib.h>

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

int hal_object_set(struct hal_device *dev, const struct hal_object *obj, struct hal_reason *r)
{
	struct hal_booking *o, *fresh = NULL;
	int err;

	if (r)
		hal_reason_clear(r);
	if ((unsigned)obj->type >= HAL_OBJECT_MAX || !dev->caps.object[obj->type])
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_ACTION, "%s has no %s objects",
			dev->name, hal_object_name(obj->type));
	o = find(dev, obj->type, obj->id);
	if (!o) {
		o = fresh = calloc(1, sizeof(*o));
		if (!o)
			return -ENOMEM;
		o->type = obj->type;
		o->id = obj->id;
		err = hmap_insert(&dev->objects, &o->node, object_hash(o->type, o->id));
		if (err)
			goto free_booking;
	}
	err = dev->drv.object_set(dev->priv, obj, r);
	if (!err || !fresh)
		return err;
	hmap_remove(&dev->objects, &fresh->node);
free_booking:
	free(fresh);
	return err;
}

int hal_object_ref(struct hal_device *dev, enum hal_object_type type, uint32_t id)
{
	struct hal_booking *o = find(dev, type, id);

	if (!o)
		return -ENOENT;
	o->refs++;
	return 0;
}

int hal_object_unref(struct hal_device *dev, enum hal_object_type type, uint32_t id)
{
	struct hal_booking *o = find(dev, type, id);
	int err;

	if (!o)
		return -ENOENT;
	if (!o->refs)
		return -EINVAL;
	if (--o->refs)
		return 0;
	err = dev->drv.object_del(dev->priv, type, id);
	hmap_remove(&dev->objects, &o->node);
	free(o);
	return err;
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
}
