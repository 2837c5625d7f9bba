/* SPDX-License-Identifier: Apache-2.0
 *
 * What a driver answers in the slots that it leaves out.
 */
#include <errno.h>
#include <string.h>

#include "hal/device.h"

static int no_open(const char *args, const struct hal_env *env, void **dev, struct hal_caps *caps,
	struct hal_reason *r)
{
	(void)args, (void)env, (void)dev, (void)caps;
	return hal_refuse(r, HAL_REASON_DEVICE_ERROR, "this driver opens no devices");
}

static void no_close(void *dev)
{
	(void)dev;
}

static void no_forget(const struct hal_env *env)
{
	(void)env;
}

/* Static checks have passed: a driver without combinations to judge takes everything. */
static int any_check(void *dev, const struct hal_rule *rule, struct hal_reason *r)
{
	(void)dev, (void)rule;
	if (r)
		hal_reason_clear(r);
	return 0;
}

static int no_submit(void *dev, struct hal_op *ops, unsigned n)
{
	(void)dev;
	for (unsigned i = 0; i < n; i++) {
		ops[i].accepted = false;
		hal_refuse(&ops[i].reason, HAL_REASON_DEVICE_ERROR, "this driver takes no rules");
		ops[i].reason.error = EOPNOTSUPP;
	}
	return 0;
}

static int no_poll(void *dev, struct hal_completion *out, unsigned max)
{
	(void)dev, (void)out, (void)max;
	return 0;
}

static int no_counters_read(
	void *dev, const struct hal_ufid *ufids, unsigned n, struct hal_raw_counter *out)
{
	(void)dev, (void)ufids;
	memset(out, 0, n * sizeof(*out)); /* known = false */
	return -EOPNOTSUPP;
}

static int no_dump(void *dev, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx)
{
	(void)dev, (void)at, (void)max, (void)cb, (void)ctx;
	return -EOPNOTSUPP;
}

static int no_object_set(void *dev, const struct hal_object *obj, struct hal_reason *r)
{
	(void)dev;
	hal_refuse(r, HAL_REASON_UNSUPPORTED_ACTION, "this device has no %s objects",
		hal_object_name(obj->type));
	return -EOPNOTSUPP;
}

static int no_object_del(void *dev, enum hal_object_type type, uint32_t id)
{
	(void)dev, (void)type, (void)id;
	return -EOPNOTSUPP;
}

static int no_object_stats(
	void *dev, enum hal_object_type type, uint32_t id, struct hal_object_stats *out)
{
	(void)dev, (void)type, (void)id, (void)out;
	return -EOPNOTSUPP;
}

static int no_port_bind(
	void *dev, uint32_t port, const struct hal_port_handle *handle, struct hal_reason *r)
{
	(void)dev, (void)handle;
	hal_refuse(r, HAL_REASON_UNBOUND_PORT, "this device binds no ports");
	if (r)
		r->port = port;
	return -EOPNOTSUPP;
}

static int no_port_unbind(void *dev, uint32_t port)
{
	(void)dev, (void)port;
	return -EOPNOTSUPP;
}

static int no_port_stats(void *dev, uint32_t port, struct hal_port_stats *out)
{
	(void)dev, (void)port;
	memset(out, 0xff, sizeof(*out)); /* unknown */
	return -EOPNOTSUPP;
}

static int no_port_miss(void *dev, uint32_t port, struct hal_port_handle *out)
{
	(void)dev, (void)port;
	memset(out, 0, sizeof(*out));
	return -ENOENT;
}

static unsigned no_port_rx(
	void *dev, struct rte_mbuf **pkts, struct hal_rx_meta *meta, unsigned max)
{
	(void)dev, (void)pkts, (void)meta, (void)max;
	return 0;
}

static unsigned no_port_tx(void *dev, uint32_t port, struct rte_mbuf **pkts, unsigned n)
{
	(void)dev, (void)port, (void)pkts, (void)n;
	return 0;
}

static int no_rx_fd(void *dev)
{
	(void)dev;
	return -1;
}

static int no_stats(void *dev, struct hal_device_stats *out)
{
	(void)dev;
	memset(out, 0, sizeof(*out));
	out->alive = true;
	return -EOPNOTSUPP;
}

void hal_driver_fill(struct hal_driver *drv)
{
#define FILL(SLOT, FN)  \
	if (!drv->SLOT) \
	drv->SLOT = FN
	FILL(open, no_open);
	FILL(close, no_close);
	FILL(forget, no_forget);
	FILL(check, any_check);
	FILL(submit, no_submit);
	FILL(poll, no_poll);
	FILL(counters_read, no_counters_read);
	FILL(dump, no_dump);
	FILL(object_set, no_object_set);
	FILL(object_del, no_object_del);
	FILL(object_stats, no_object_stats);
	FILL(port_bind, no_port_bind);
	FILL(port_unbind, no_port_unbind);
	FILL(port_stats, no_port_stats);
	FILL(port_miss, no_port_miss);
	FILL(port_rx, no_port_rx);
	FILL(port_tx, no_port_tx);
	FILL(rx_fd, no_rx_fd);
	FILL(stats, no_stats);
#undef FILL
}
