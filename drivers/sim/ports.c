/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/sim/sim.h"
#include "hal/base/log.h"

#define BIND_MS 1000 /* binding touches the kernel's netdev: it may take longer than a question */

#define REMEMBER_MS 500
#define PORTS_ASKED 256 /* in one request */

LOG_DEFINE(sim_ports);

static struct sim_bound *find(const struct sim_dev *dev, uint32_t port)
{
	struct sim_bound *b;

	LIST_FOREACH (b, &dev->ports, next) {
		if (b->bind.port == port)
			return b;
	}
	return NULL;
}

bool sim_port_is_bound(const struct sim_dev *dev, uint32_t port)
{
	return find(dev, port);
}

static int request_bind(struct sim_dev *dev, const struct sim_bind *bind, struct hal_reason *r)
{
	struct sim_status status;
	int len = sim_request(dev, SIM_BIND, bind, sizeof(*bind), &status, sizeof(status), BIND_MS);

	if (len == -ENODEV)
		return hal_refuse(r, HAL_REASON_DEVICE_GONE, "the device is gone");
	if (len != sizeof(status))
		return hal_refuse(r, HAL_REASON_RETRY, "the device is stalled");
	status.text[sizeof(status.text) - 1] = '\0';
	if (status.error) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "%s", status.text);
		if (r)
			r->error = -status.error;
	}
	return status.error;
}

int sim_port_bind(
	void *priv, uint32_t port, const struct hal_port_handle *handle, struct hal_reason *r)
{
	struct sim_dev *dev = priv;
	struct sim_bound *b = find(dev, port);
	int err;

	if (handle->kind != HAL_PORT_NETDEV || !handle->index)
		return hal_refuse(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			"only kernel network devices can be its ports");
	if (b && b->again && b->bind.ifindex == handle->index) {
		b->again = false;
		return 0;
	}
	if (b) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "port %u is bound already", port);
		return -EEXIST;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->bind.port = port;
	b->bind.ifindex = handle->index;
	snprintf(b->bind.name, sizeof(b->bind.name), "%s", handle->name);
	err = request_bind(dev, &b->bind, r);
	if (err) {
		free(b);
		return err;
	}
	LIST_INSERT_HEAD(&dev->ports, b, next);
	return 0;
}

int sim_port_unbind(void *priv, uint32_t port)
{
	const struct sim_port body = {port};
	struct sim_dev *dev = priv;
	struct sim_bound *b = find(dev, port);
	struct sim_status status;
	int len;

	if (!b)
		return -ENOENT;
	len = sim_request(dev, SIM_UNBIND, &body, sizeof(body), &status, sizeof(status), BIND_MS);
	/* A device that is gone has no ports; one that is stalled will read the request later. */
	if (len == -ETIMEDOUT || len == -ENODEV || len == sizeof(status)) {
		LIST_REMOVE(b, next);
		free(b);
		return 0;
	}
	return -EIO;
}

void sim_ports_rebind(struct sim_dev *dev)
{
	struct sim_bound *b;
	struct hal_reason r;

	LIST_FOREACH (b, &dev->ports, next) {
		if (request_bind(dev, &b->bind, &r))
			log_warn("sim:%s: port %u (%s): %s", dev->name, b->bind.port, b->bind.name,
				r.text);
	}
}

/* The process that counted is no more: what it had counted when last asked stays. */
void sim_ports_forgotten(struct sim_dev *dev)
{
	struct sim_bound *b;

	LIST_FOREACH (b, &dev->ports, next) {
		b->again = true;
		hal_port_stats_add(&b->base, &b->last);
		memset(&b->last, 0, sizeof(b->last));
	}
}

static void stats_copy(const struct sim_port_stats *from, struct hal_port_stats *to)
{
	*to = (struct hal_port_stats){.rx_packets = from->rx_packets,
		.tx_packets = from->tx_packets,
		.rx_bytes = from->rx_bytes,
		.tx_bytes = from->tx_bytes,
		.rx_dropped = from->rx_dropped,
		.tx_dropped = from->tx_dropped,
		.rx_errors = from->rx_errors,
		.tx_errors = from->tx_errors};
}

/* Reads what up to PORTS_ASKED ports counted, *from and on, and goes on to the next. An error ends
 * it: the device doesn't answer. */
static int refresh_some(struct sim_dev *dev, struct sim_bound **from)
{
	struct sim_port_stats got[PORTS_ASKED];
	struct sim_port asked[PORTS_ASKED];
	struct sim_bound *b = *from;
	size_t n = 0;
	int len;

	for (; b && n < PORTS_ASKED; b = LIST_NEXT(b, next))
		asked[n++].port = b->bind.port;
	len = sim_request(
		dev, SIM_PORT_STATS, asked, n * sizeof(asked[0]), got, sizeof(got), SIM_REQUEST_MS);
	if (len < 0 || (size_t)len != n * sizeof(got[0]))
		return len < 0 ? len : -EBADMSG;
	for (size_t i = 0; i < n; i++, *from = LIST_NEXT(*from, next)) {
		if (!got[i].error)
			stats_copy(&got[i], &(*from)->last);
	}
	return 0;
}

/* Reads the counters of all ports at once, if the device answers: what one port received until then
 * and what another sent of it belong together, also if the device is lost before the next time. */
static void refresh(struct sim_dev *dev)
{
	struct sim_bound *b = LIST_FIRST(&dev->ports);

	while (b && !refresh_some(dev, &b))
		;
}

/* So that a process that is killed takes no more with it than what it counted since. */
void sim_ports_remember(struct sim_dev *dev)
{
	uint64_t now = sim_now_ms();

	if (now - dev->remembered_ms < REMEMBER_MS)
		return;
	dev->remembered_ms = now;
	refresh(dev);
}

int sim_port_stats(void *priv, uint32_t port, struct hal_port_stats *out)
{
	struct sim_dev *dev = priv;
	struct sim_bound *b = find(dev, port);

	if (!b)
		return -ENOENT;
	refresh(dev);
	*out = b->base;
	hal_port_stats_add(out, &b->last);
	return 0;
}
