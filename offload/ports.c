/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of a device: the table of what is bound, which is bound again when the device lost it.
 */
#include <errno.h>
#include <stdlib.h>

#include "hal/base/log.h"
#include "offload/internal.h"

LOG_DEFINE(offload_ports);

static struct port *port_find(const struct device *dev, uint32_t id)
{
	struct port *p;

	TAILQ_FOREACH (p, &dev->ports, link) {
		if (p->id == id)
			return p;
	}
	return NULL;
}

bool port_is_bound(const struct device *dev, uint32_t port)
{
	const struct port *p = dev->n_closing ? port_find(dev, port) : NULL;

	return hal_port_is_bound(dev->hal, port) && !(p && p->closing);
}

void ports_rebind(struct device *dev)
{
	struct port *p;

	TAILQ_FOREACH (p, &dev->ports, link) {
		struct hal_reason r;
		int err = hal_port_bind(dev->hal, p->id, &p->handle, &r);

		if (err && err != -EEXIST) /* that one it has kept */
			log_err("%s: %s could not be bound again: %s", dev->info.name,
				p->handle.name, r.text);
	}
}

/* ---- on the device's thread ---- */

static int bind(struct device *dev, struct command *cmd)
{
	struct port *p;
	int err;

	if (dev->mode == MODE_GONE)
		return hal_refuse(&cmd->reason, HAL_REASON_DEVICE_GONE, "%s: %s", cmd->handle.name,
			dev->info.stats.text);
	if (port_find(dev, cmd->port)) {
		hal_refuse(&cmd->reason, HAL_REASON_DEVICE_ERROR, "port %u is bound to %s already",
			cmd->port, dev->info.name);
		return -EEXIST;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->id = cmd->port;
	p->handle = cmd->handle;
	err = hal_port_bind(dev->hal, p->id, &p->handle, &cmd->reason);
	if (err) {
		free(p);
		return err;
	}
	TAILQ_INSERT_TAIL(&dev->ports, p, link);
	retry_ports(dev);
	return 0;
}

static void unbind_now(struct device *dev, struct port *p)
{
	hal_port_unbind(dev->hal, p->id);
	TAILQ_REMOVE(&dev->ports, p, link);
	free(p);
	retry_ports(dev);
}

static bool run_bind(struct device *dev, struct command *cmd)
{
	int err = bind(dev, cmd);

	if (!command_done(cmd, err) && !err)
		unbind_now(dev, port_find(dev, cmd->port)); /* nobody waited for it */
	return true;
}

/* The rules that used it are out, or the device was too slow. */
static void unbind_drained(struct device *dev, struct drain *d)
{
	struct command *cmd = command_of(d);
	struct port *p = port_find(dev, cmd->port);
	int err = -ENOENT;

	if (p) {
		cmd->counted = cmd->count && !hal_port_stats_read(dev->hal, p->id, &cmd->stats);
		err = hal_port_unbind(dev->hal, p->id);
		TAILQ_REMOVE(&dev->ports, p, link);
		dev->n_closing--;
		free(p);
	}
	command_done(cmd, err);
	command_put(cmd);
}

static bool run_unbind(struct device *dev, struct command *cmd)
{
	struct port *p = port_find(dev, cmd->port);

	if (!p || p->closing) {
		command_done(cmd, -ENOENT);
		return true;
	}
	p->closing = true;
	dev->n_closing++;
	retry_ports(dev);
	cmd->drain.done = unbind_drained;
	drain_begin(dev, &cmd->drain, BARRIER_WAIT_MS);
	return false;
}

static bool run_stats(struct device *dev, struct command *cmd)
{
	int err = -EAGAIN;

	if (dev->mode == MODE_RUN)
		err = hal_port_stats_read(dev->hal, cmd->port, &cmd->stats);
	command_done(cmd, err);
	return true;
}

static bool run_miss(struct device *dev, struct command *cmd)
{
	int err = -EAGAIN;

	if (dev->mode == MODE_RUN)
		err = hal_port_miss(dev->hal, cmd->port, &cmd->handle);
	command_done(cmd, err);
	return true;
}

/* ---- control thread ---- */

int offload_port_bind(struct offload *ol, unsigned device, uint32_t port,
	const struct hal_port_handle *handle, struct hal_reason *r)
{
	struct device *dev = device_at(ol, device);
	struct command *cmd;
	int err;

	if (!dev) {
		hal_refuse(r, HAL_REASON_UNBOUND_PORT, "there is no device %u", device);
		return -ENOENT;
	}
	cmd = command_new(run_bind);
	if (!cmd)
		return -ENOMEM;
	cmd->port = port;
	cmd->handle = *handle;
	err = command_wait(dev, cmd, SYNC_WAIT_MS);
	if (err == -ETIMEDOUT)
		hal_refuse(r, HAL_REASON_RETRY, "%s did not answer in time", dev->info.name);
	else if (r)
		*r = cmd->reason;
	command_put(cmd);
	return err;
}

int offload_port_unbind(
	struct offload *ol, unsigned device, uint32_t port, struct hal_port_stats *last)
{
	struct device *dev = device_at(ol, device);
	struct command *cmd = dev ? command_new(run_unbind) : NULL;
	int err;

	if (!cmd)
		return dev ? -ENOMEM : -ENOENT;
	cmd->port = port;
	cmd->keep = true; /* also if the device is slow */
	cmd->count = last != NULL;
	err = command_wait(dev, cmd, SYNC_WAIT_MS);
	if (!err && cmd->counted && last)
		*last = cmd->stats;
	command_put(cmd);
	return err;
}

/* Asks something about a port: 0 or -errno. *out is the caller's to put, NULL: it was not asked. */
static int ask(struct offload *ol, unsigned device, uint32_t port,
	bool (*run)(struct device *dev, struct command *cmd), unsigned timeout_ms,
	struct command **out)
{
	struct device *dev = device_at(ol, device);

	*out = dev ? command_new(run) : NULL;
	if (!*out)
		return dev ? -ENOMEM : -ENOENT;
	(*out)->port = port;
	return command_wait(dev, *out, timeout_ms);
}

int offload_port_stats(
	struct offload *ol, unsigned device, uint32_t port, struct hal_port_stats *out)
{
	struct command *cmd;
	int err = ask(ol, device, port, run_stats, BARRIER_WAIT_MS, &cmd);

	if (!err)
		*out = cmd->stats;
	if (cmd)
		command_put(cmd);
	return err;
}

int offload_port_miss(
	struct offload *ol, unsigned device, uint32_t port, struct hal_port_handle *out)
{
	struct command *cmd;
	int err = ask(ol, device, port, run_miss, SYNC_WAIT_MS, &cmd);

	if (!err)
		*out = cmd->handle;
	if (cmd)
		command_put(cmd);
	return err;
}
