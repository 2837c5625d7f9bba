/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of the device. The device holds them; here only tunnel ends are remembered, as their
 * ports count as ports of the device.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/sim/codec.h"
#include "drivers/sim/sim.h"

static struct sim_end *find_end(const struct sim_dev *dev, uint32_t port)
{
	struct sim_end *e;

	LIST_FOREACH (e, &dev->ends, next) {
		if (e->port == port)
			return e;
	}
	return NULL;
}

bool sim_tunnel_is_set(const struct sim_dev *dev, uint32_t port)
{
	return find_end(dev, port);
}

static int remember_end(struct sim_dev *dev, uint32_t port)
{
	struct sim_end *e = find_end(dev, port);

	if (e)
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->port = port;
	LIST_INSERT_HEAD(&dev->ends, e, next);
	return 0;
}

static void forget_end(struct sim_dev *dev, uint32_t port)
{
	struct sim_end *e = find_end(dev, port);

	if (!e)
		return;
	LIST_REMOVE(e, next);
	free(e);
}

void sim_objects_forgotten(struct sim_dev *dev)
{
	struct sim_end *e;

	while ((e = LIST_FIRST(&dev->ends))) {
		LIST_REMOVE(e, next);
		free(e);
	}
}

static void fill_reason(struct hal_reason *r, const struct sim_object_reply *reply)
{
	enum hal_reason_code code = reply->reason && reply->reason < HAL_REASON_MAX
					    ? (enum hal_reason_code)reply->reason
					    : HAL_REASON_DEVICE_ERROR;

	hal_refuse(r, code, "%.*s", SIM_TEXT - 1, reply->text);
	if (!r)
		return;
	r->error = -reply->error;
	r->port = reply->port;
	if (reply->field < FIELD_MAX)
		r->field = reply->field;
	if (reply->action < ACTION_MAX)
		r->action = reply->action;
}

/* Sends the request; 0 or -errno with a reason. */
static int request(
	struct sim_dev *dev, uint32_t type, const void *body, size_t len, struct hal_reason *r)
{
	struct sim_object_reply reply;
	int n = sim_request(dev, type, body, len, &reply, sizeof(reply), SIM_REQUEST_MS);

	if (n == -ENODEV)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "the device is gone");
	if (n != sizeof(reply))
		return hal_refuse(r, HAL_REASON_RETRY, "the device is stalled");
	if (reply.error)
		fill_reason(r, &reply);
	return reply.error;
}

int sim_object_set(void *priv, const struct hal_object *obj, struct hal_reason *r)
{
	struct sim_dev *dev = priv;
	uint8_t body[SIM_MSG_MAX - 256];
	int len = sim_object_encode(obj, body, sizeof(body), r), err;

	if (len < 0)
		return len;
	err = request(dev, SIM_OBJECT_SET, body, (size_t)len, r);
	if (!err && obj->type == HAL_OBJECT_TUNNEL)
		err = remember_end(dev, obj->id);
	return err;
}

int sim_object_del(void *priv, enum hal_object_type type, uint32_t id)
{
	const struct sim_object_name body = {type, id};
	struct sim_dev *dev = priv;
	int err = request(dev, SIM_OBJECT_DEL, &body, sizeof(body), NULL);

	if (type == HAL_OBJECT_TUNNEL && (!err || err == -ENOENT))
		forget_end(dev, id);
	return err;
}

int sim_object_stats(
	void *priv, enum hal_object_type type, uint32_t id, struct hal_object_stats *out)
{
	const struct sim_object_name body = {type, id};
	struct sim_object_stats s;
	int n = sim_request(
		priv, SIM_OBJECT_STATS, &body, sizeof(body), &s, sizeof(s), SIM_REQUEST_MS);

	if (n < 0)
		return n;
	if (n != sizeof(s))
		return -EBADMSG;
	if (!s.error)
		*out = s.stats;
	return s.error;
}
