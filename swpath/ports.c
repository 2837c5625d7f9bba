/* SPDX-License-Identifier: Apache-2.0
 *
 * The port table: ids, classes, which worker polls what.
 *
 * Workers find ports through sp->ports (to send) and their poll lists (to receive). A port that is
 * taken out of both is closed only after a grace period, when no worker can be inside its class.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "swpath/worker.h"

static const struct swpath_port_class *const classes[] = {
	[SWPATH_PORT_NETDEV] = &swpath_netdev_class,
	[SWPATH_PORT_INTERNAL] = &swpath_internal_class,
	[SWPATH_PORT_DPDK] = &swpath_dpdk_class,
	[SWPATH_PORT_DEVICE] = &swpath_device_class,
	[SWPATH_PORT_TUNNEL] = &swpath_tunnel_class,
};

/* What comes by a device's ports is received from the device (devices.c), what comes through
 * tunnels by the ports below. */
static bool receives(const struct swpath_port_entry *e)
{
	return e->port.type != SWPATH_PORT_DEVICE && e->port.type != SWPATH_PORT_TUNNEL;
}

static bool is_polled(const struct swpath_port_entry *e, unsigned worker)
{
	return e && e->port.worker == worker && receives(e);
}

int swpath_poll_publish(struct swpath *sp, unsigned worker)
{
	struct swpath_worker *w = &sp->worker[worker];
	struct swpath_poll_list *list, *old = atomic_load(&w->poll);
	unsigned n_ports = 0, n_devices = worker ? 0 : sp->n_devices;
	size_t pointers;

	for (uint32_t id = 0; id <= HAL_PORT_MAX; id++)
		n_ports += is_polled(swpath_port_get(sp, id), worker);
	pointers = (n_ports + n_devices) * sizeof(void *);
	list = calloc(1, sizeof(*list) + pointers);
	if (!list)
		return -ENOMEM;
	list->ports = (struct swpath_port **)(list + 1);
	list->devices = (struct hal_device **)(list->ports + n_ports);
	for (uint32_t id = 0; id <= HAL_PORT_MAX; id++) {
		struct swpath_port_entry *e = swpath_port_get(sp, id);

		if (!is_polled(e, worker))
			continue;
		list->ports[list->n_ports++] = &e->port;
		list->no_fd |= e->fd < 0;
	}
	for (unsigned i = 0; i < n_devices; i++) {
		list->devices[list->n_devices++] = sp->devices[i];
		list->no_fd |= sp->device_fd[i] < 0;
	}
	atomic_store_explicit(&w->poll, list, memory_order_release);
	if (old)
		rcu_defer(free, old);
	swpath_worker_wake(w);
	return 0;
}

static uint32_t free_id(struct swpath *sp)
{
	for (uint32_t tried = 0; tried < HAL_PORT_MAX; tried++) {
		uint32_t id = sp->next_port;

		sp->next_port = id % HAL_PORT_MAX + 1;
		if (!swpath_port_get(sp, id))
			return id;
	}
	return HAL_PORT_NONE;
}

static int pick_id(
	struct swpath *sp, const struct swpath_port_config *cfg, uint32_t *id, char *err, size_t n)
{
	*id = cfg->id ? cfg->id : free_id(sp);
	if (*id > HAL_PORT_MAX) {
		snprintf(err, n, "port id %u is out of range (1 to %u)", *id, HAL_PORT_MAX);
		return -EINVAL;
	}
	if (*id == HAL_PORT_NONE || swpath_port_get(sp, *id)) {
		snprintf(err, n, "port id %u is taken", cfg->id);
		return -EEXIST;
	}
	return 0;
}

/* The worker with the fewest ports; what comes from devices is worker 0's. */
static uint16_t pick_worker(const struct swpath *sp)
{
	unsigned best = 0, fewest = UINT32_MAX;

	for (unsigned i = 0; i < sp->n_workers; i++) {
		const struct swpath_poll_list *list = atomic_load(&sp->worker[i].poll);
		unsigned n = list ? list->n_ports + list->n_devices : 0;

		if (n < fewest) {
			fewest = n;
			best = i;
		}
	}
	return (uint16_t)best;
}

static struct swpath_port_entry *entry_new(struct swpath *sp, const struct swpath_port_config *cfg,
	const struct swpath_port_class *class, uint32_t id)
{
	size_t size = RTE_ALIGN_CEIL(sizeof(struct swpath_port_entry), 64);
	struct swpath_port_entry *e = aligned_alloc(64, size);

	if (!e)
		return NULL;
	memset(e, 0, size);
	e->fd = -1;
	e->port.id = id;
	snprintf(e->port.name, sizeof(e->port.name), "%s", cfg->name);
	e->port.type = cfg->type;
	e->port.class = class;
	e->port.sp = sp;
	e->port.pool = sp->pool;
	e->port.worker = pick_worker(sp);
	for (unsigned i = 0; i < HAL_MAX_WORKERS; i++)
		e->tx[i].port = &e->port;
	return e;
}

static void watch(struct swpath_port_entry *e)
{
	if (!receives(e))
		return;
	e->fd = e->port.class->rx_fd ? e->port.class->rx_fd(&e->port) : -1;
	swpath_worker_watch(&e->port.sp->worker[e->port.worker], e->fd, e->port.id);
}

static void unwatch(struct swpath_port_entry *e)
{
	swpath_worker_unwatch(&e->port.sp->worker[e->port.worker], e->fd);
	e->fd = -1;
}

int swpath_port_add_class(struct swpath *sp, const struct swpath_port_config *cfg,
	const struct swpath_port_class *class, uint32_t *id, char *err, size_t n)
{
	struct swpath_port_entry *e;
	int error = pick_id(sp, cfg, id, err, n);

	if (error)
		return error;
	e = entry_new(sp, cfg, class, *id);
	if (!e) {
		snprintf(err, n, "out of memory");
		return -ENOMEM;
	}
	error = class->open(&e->port, cfg, err, n);
	if (error)
		goto free_entry;
	watch(e);
	atomic_store_explicit(&sp->ports[*id], e, memory_order_release);
	error = swpath_poll_publish(sp, e->port.worker);
	if (error) {
		snprintf(err, n, "out of memory");
		goto unpublish;
	}
	return 0;

unpublish:
	atomic_store_explicit(&sp->ports[*id], NULL, memory_order_release);
	rcu_drain();
	unwatch(e);
	class->close(&e->port, false);
free_entry:
	free(e);
	return error;
}

int swpath_port_add(
	struct swpath *sp, const struct swpath_port_config *cfg, uint32_t *id, char *err, size_t n)
{
	if ((unsigned)cfg->type >= RTE_DIM(classes)) {
		snprintf(err, n, "no such type of port");
		return -EINVAL;
	}
	return swpath_port_add_class(sp, cfg, classes[cfg->type], id, err, n);
}

int swpath_port_remove(struct swpath *sp, uint32_t id, bool delete_netdev)
{
	struct swpath_port_entry *e = swpath_port_get(sp, id);
	int error;

	if (!e)
		return -ENOENT;
	atomic_store_explicit(&sp->ports[id], NULL, memory_order_release);
	error = swpath_poll_publish(sp, e->port.worker);
	if (error) {
		atomic_store_explicit(&sp->ports[id], e, memory_order_release);
		return error;
	}
	rcu_drain();
	unwatch(e);
	e->port.class->close(&e->port, delete_netdev);
	free(e);
	return 0;
}

/* Workers have stopped. */
void swpath_ports_close(struct swpath *sp, bool delete_netdevs)
{
	for (uint32_t id = 0; sp->ports && id <= HAL_PORT_MAX; id++) {
		struct swpath_port_entry *e = swpath_port_get(sp, id);

		if (!e)
			continue;
		atomic_store(&sp->ports[id], NULL);
		e->port.class->close(&e->port, delete_netdevs);
		free(e);
	}
}

int swpath_port_status(struct swpath *sp, uint32_t id, struct swpath_port_status *out)
{
	struct swpath_port_entry *e = swpath_port_get(sp, id);

	if (!e)
		return -ENOENT;
	memset(out, 0, sizeof(*out));
	return e->port.class->status(&e->port, out);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

int swpath_port_stats(struct swpath *sp, uint32_t id, struct hal_port_stats *out)
{
	struct swpath_port_entry *e = swpath_port_get(sp, id);

	if (!e)
		return -ENOENT;
	memset(out, 0, sizeof(*out));
	if (e->port.class->stats)
		return e->port.class->stats(&e->port, out);
	for (unsigned i = 0; i < sp->n_workers; i++) {
		const struct swpath_port_counter *c = &e->port.counter[i];

		out->rx_packets += get(&c->rx_packets);
		out->rx_bytes += get(&c->rx_bytes);
		out->tx_packets += get(&c->tx_packets);
		out->tx_bytes += get(&c->tx_bytes);
		out->rx_dropped += get(&c->rx_dropped);
		out->tx_dropped += get(&c->tx_dropped);
		out->rx_errors += get(&c->rx_errors);
		out->tx_errors += get(&c->tx_errors);
	}
	return 0;
}

int swpath_port_set_admin(struct swpath *sp, uint32_t id, bool up)
{
	struct swpath_port_entry *e = swpath_port_get(sp, id);

	if (!e)
		return -ENOENT;
	return e->port.class->set_admin ? e->port.class->set_admin(&e->port, up) : -EOPNOTSUPP;
}

/* A class may have bound to another socket: what wakes the worker is looked up again. */
void swpath_ports_link_changed(void *ctx, const struct swpath_link *link)
{
	struct swpath *sp = ctx;
	const struct swpath_ops *ops = &sp->cfg.ops;

	for (uint32_t id = 0; id <= HAL_PORT_MAX; id++) {
		struct swpath_port_entry *e = swpath_port_get(sp, id);

		if (!e || !e->port.class->link_changed ||
			!e->port.class->link_changed(&e->port, link))
			continue;
		unwatch(e);
		watch(e);
		swpath_poll_publish(sp, e->port.worker);
		if (ops->port_changed)
			ops->port_changed(ops->ctx, id);
	}
}
