/* SPDX-License-Identifier: Apache-2.0
 *
 * The sim driver: a model eSwitch in its own process, sluice-simnic.
 *
 * A device is "sim:PROFILE" or "sim:PROFILE,name=NAME": the second is another process of the same
 * profile.
 */
#include "drivers/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool is_name(const char *s, size_t len, size_t max)
{
	return len > 0 && len < max && strcspn(s, "/") >= len;
}

/* "PROFILE" or "PROFILE,name=NAME" */
static int parse_args(struct sim_dev *dev, const char *args, struct hal_reason *r)
{
	const char *comma = strchr(args, ','), *name = args;
	size_t len = comma ? (size_t)(comma - args) : strlen(args), name_len = len;

	if (comma && !strncmp(comma, ",name=", 6)) {
		name = comma + 6;
		name_len = strlen(name);
	} else if (comma) {
		name_len = 0;
	}
	if (!is_name(args, len, sizeof(dev->profile)) || !is_name(name, name_len, 31)) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"sim:%s: expected sim:PROFILE or sim:PROFILE,name=NAME (PROFILE: nic, "
			"nic-noresume, nic-objects, asic-small, flaky)",
			args);
		return -EINVAL;
	}
	memcpy(dev->profile, args, len);
	memcpy(dev->name, name, name_len);
	return 0;
}

static struct sim_dev *dev_new(const struct hal_env *env)
{
	struct sim_dev *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return NULL;
	dev->env = *env;
	dev->fd = -1;
	TAILQ_INIT(&dev->in_flight);
	TAILQ_INIT(&dev->done);
	LIST_INIT(&dev->ports);
	LIST_INIT(&dev->ends);
	rte_spinlock_init(&dev->up_lock);
	rte_spinlock_init(&dev->down_lock);
	dev->up_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	dev->down_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return dev;
}

static void dev_free(struct sim_dev *dev)
{
	struct sim_bound *b;

	sim_link_close(dev);
	sim_waker_stop(dev);
	while ((b = LIST_FIRST(&dev->ports))) {
		LIST_REMOVE(b, next);
		free(b);
	}
	sim_objects_forgotten(dev);
	for (unsigned i = 0; i < SIM_MAX_OPS; i++)
		free(dev->ops[i].msg);
	if (dev->up_fd >= 0)
		close(dev->up_fd);
	if (dev->down_fd >= 0)
		close(dev->down_fd);
	free(dev);
}

static int sim_open(const char *args, const struct hal_env *env, void **out, struct hal_caps *caps,
	struct hal_reason *r)
{
	struct sim_dev *dev = dev_new(env);
	int err;

	if (!dev)
		return -ENOMEM;
	err = parse_args(dev, args, r);
	if (err)
		goto free_dev;
	if (snprintf(dev->rundir, sizeof(dev->rundir), "%s", env->rundir) > 60) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"the run directory %.40s... is longer than the 60 bytes a socket's path "
			"leaves",
			env->rundir);
		err = -ENAMETOOLONG;
		goto free_dev;
	}
	err = sim_waker_start(dev);
	if (!err)
		err = sim_link_open(dev, SIM_START_MS, r);
	if (err)
		goto free_dev;
	*caps = dev->caps;
	snprintf(caps->name, sizeof(caps->name), "sim:%.27s", args);
	*out = dev;
	return 0;

free_dev:
	dev_free(dev);
	return err;
}

static void sim_close(void *dev)
{
	dev_free(dev);
}

const struct hal_driver sim_driver = {
	.name = "sim",
	.open = sim_open,
	.close = sim_close,
	.check = sim_check,
	.submit = sim_submit,
	.poll = sim_poll,
	.counters_read = sim_counters_read,
	.dump = sim_dump,
	.object_set = sim_object_set,
	.object_del = sim_object_del,
	.object_stats = sim_object_stats,
	.port_bind = sim_port_bind,
	.port_unbind = sim_port_unbind,
	.port_stats = sim_port_stats,
	.port_rx = sim_port_rx,
	.port_tx = sim_port_tx,
	.rx_fd = sim_rx_fd,
	.stats = sim_stats,
};
