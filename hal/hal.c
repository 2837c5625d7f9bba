/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices: opening and closing them, and the calls that go straight through to the driver.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/base/log.h"
#include "hal/device.h"

LOG_DEFINE(hal);

#define BOUND_WORDS ((HAL_PORT_MAX + 1) / 64)

uint64_t hal_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int hal_device_open_driver(const struct hal_driver *drv, const char *args,
	const struct hal_env *env, struct hal_device **out, struct hal_reason *r)
{
	struct hal_device *dev = calloc(1, sizeof(*dev));
	int err = -ENOMEM;

	if (r)
		hal_reason_clear(r);
	if (!dev)
		goto no_memory;
	dev->bound = calloc(BOUND_WORDS, sizeof(*dev->bound));
	if (!dev->bound)
		goto free_device;
	dev->drv = *drv;
	dev->free_flight = UINT32_MAX;
	hal_driver_fill(&dev->drv);
	hmap_init(&dev->held);
	hmap_init(&dev->objects);
	snprintf(dev->name, sizeof(dev->name), "%s%s%s", drv->name, args[0] ? ":" : "", args);
	err = dev->drv.open(args, env, &dev->priv, &dev->caps, r);
	if (err)
		goto free_bound;
	if (!dev->caps.name[0])
		snprintf(dev->caps.name, sizeof(dev->caps.name), "%.31s", dev->name);
	if (!dev->caps.counter_bits || dev->caps.counter_bits > 64)
		dev->caps.counter_bits = 64;
	*out = dev;
	return 0;
free_bound:
	if (r && r->code == HAL_REASON_NONE)
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "%s: %s", dev->name, strerror(-err));
	free(dev->bound);
free_device:
	free(dev);
no_memory:
	if (err == -ENOMEM && r && r->code == HAL_REASON_NONE)
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "out of memory");
	return err;
}

void hal_device_close(struct hal_device *dev)
{
	if (!dev)
		return;
	if (dev->strays)
		log_warn("%s: %llu completions for no operation were dropped", dev->name,
			(unsigned long long)dev->strays);
	dev->drv.close(dev->priv);
	hal_flights_free(dev);
	hal_held_clear(dev);
	hal_objects_clear(dev);
	hmap_destroy(&dev->held);
	hmap_destroy(&dev->objects);
	free(dev->ready);
	free(dev->bound);
	free(dev);
}

const struct hal_caps *hal_device_caps(const struct hal_device *dev)
{
	return &dev->caps;
}

const char *hal_device_name(const struct hal_device *dev)
{
	return dev->name;
}

int hal_check(struct hal_device *dev, const struct hal_rule *rule, struct hal_reason *r)
{
	struct hal_reason mine;
	int err;

	if (!r)
		r = &mine;
	err = hal_caps_check(&dev->caps, rule, r);
	if (err)
		return err;
	err = dev->drv.check(dev->priv, rule, r);
	if (err && r->code == HAL_REASON_NONE) {
		hal_refuse(
			r, HAL_REASON_UNSUPPORTED_COMBINATION, "%s: %s", dev->name, strerror(-err));
		r->error = -err;
	}
	return err;
}

int hal_dump_some(struct hal_device *dev, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx)
{
	return dev->drv.dump(dev->priv, at, max, cb, ctx);
}

int hal_dump(struct hal_device *dev, hal_dump_cb *cb, void *ctx)
{
	uint64_t at = 0;
	int err;

	do {
		err = hal_dump_some(dev, &at, 0, cb, ctx);
	} while (!err && at);
	return err;
}

int hal_stats(struct hal_device *dev, struct hal_device_stats *out)
{
	memset(out, 0, sizeof(*out));
	return dev->drv.stats(dev->priv, out);
}

static void note_bound(struct hal_device *dev, uint32_t port, bool bound)
{
	uint64_t bit = 1ull << port % 64;

	if (bound)
		atomic_fetch_or_explicit(&dev->bound[port / 64], bit, memory_order_release);
	else
		atomic_fetch_and_explicit(&dev->bound[port / 64], ~bit, memory_order_release);
}

int hal_port_bind(struct hal_device *dev, uint32_t port, const struct hal_port_handle *handle,
	struct hal_reason *r)
{
	int err;

	if (r)
		hal_reason_clear(r);
	if (port == HAL_PORT_NONE || port > HAL_PORT_MAX) {
		hal_refuse(r, HAL_REASON_UNBOUND_PORT, "%u is no port: expected 1 to %u", port,
			HAL_PORT_MAX);
		return -EINVAL;
	}
	err = dev->drv.port_bind(dev->priv, port, handle, r);
	if (!err || err == -EEXIST) /* it may have kept it through a reset */
		note_bound(dev, port, true);
	if (!err)
		return 0;
	if (r && r->code == HAL_REASON_NONE) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "%s: %s: %s", dev->name, handle->name,
			strerror(-err));
		r->error = -err;
	}
	if (r)
		r->port = port;
	return err;
}

int hal_port_unbind(struct hal_device *dev, uint32_t port)
{
	int err;

	if (port == HAL_PORT_NONE || port > HAL_PORT_MAX)
		return -EINVAL;
	err = dev->drv.port_unbind(dev->priv, port);
	if (!err || err == -ENOENT)
		note_bound(dev, port, false);
	return err;
}

int hal_port_stats_read(struct hal_device *dev, uint32_t port, struct hal_port_stats *out)
{
	memset(out, 0, sizeof(*out));
	return dev->drv.port_stats(dev->priv, port, out);
}

int hal_port_miss(struct hal_device *dev, uint32_t port, struct hal_port_handle *out)
{
	return dev->drv.port_miss(dev->priv, port, out);
}

bool hal_port_is_bound(const struct hal_device *dev, uint32_t port)
{
	return port <= HAL_PORT_MAX &&
	       atomic_load_explicit(&dev->bound[port / 64], memory_order_acquire) >> port % 64 & 1;
}

void hal_forget_state(struct hal_device *dev)
{
	hal_held_clear(dev);
	hal_objects_clear(dev);
	for (unsigned i = 0; i < BOUND_WORDS; i++)
		atomic_store_explicit(&dev->bound[i], 0, memory_order_release);
}

unsigned hal_port_rx(
	struct hal_device *dev, struct rte_mbuf **pkts, struct hal_rx_meta *meta, unsigned max)
{
	return dev->drv.port_rx(dev->priv, pkts, meta, max);
}

unsigned hal_port_tx(struct hal_device *dev, uint32_t port, struct rte_mbuf **pkts, unsigned n)
{
	return dev->drv.port_tx(dev->priv, port, pkts, n);
}

int hal_port_rx_fd(struct hal_device *dev)
{
	return dev->drv.rx_fd(dev->priv);
}
