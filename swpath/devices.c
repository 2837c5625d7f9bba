/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices whose misses come to us: worker 0 takes them.
 */
#include <errno.h>
#include <string.h>

#include "hal/base/rcu.h"
#include "swpath/worker.h"

int swpath_device_attach(struct swpath *sp, struct hal_device *dev)
{
	int error;

	for (unsigned i = 0; i < sp->n_devices; i++)
		if (sp->devices[i] == dev)
			return -EEXIST;
	if (sp->n_devices == HAL_MAX_DEVICES)
		return -ENOSPC;
	sp->devices[sp->n_devices] = dev;
	sp->device_fd[sp->n_devices] = hal_port_rx_fd(dev);
	sp->n_devices++;
	error = swpath_poll_publish(sp, 0);
	if (error) {
		sp->n_devices--;
		return error;
	}
	swpath_worker_watch(&sp->worker[0], sp->device_fd[sp->n_devices - 1], HAL_PORT_NONE);
	return 0;
}

int swpath_device_detach(struct swpath *sp, struct hal_device *dev)
{
	unsigned i = 0;
	int error, fd;

	while (i < sp->n_devices && sp->devices[i] != dev)
		i++;
	if (i == sp->n_devices)
		return -ENOENT;
	fd = sp->device_fd[i];
	sp->n_devices--;
	memmove(&sp->devices[i], &sp->devices[i + 1], (sp->n_devices - i) * sizeof(dev));
	memmove(&sp->device_fd[i], &sp->device_fd[i + 1], (sp->n_devices - i) * sizeof(fd));
	error = swpath_poll_publish(sp, 0);
	if (error) {
		memmove(&sp->devices[i + 1], &sp->devices[i], (sp->n_devices - i) * sizeof(dev));
		memmove(&sp->device_fd[i + 1], &sp->device_fd[i], (sp->n_devices - i) * sizeof(fd));
		sp->devices[i] = dev;
		sp->device_fd[i] = fd;
		sp->n_devices++;
		return error;
	}
	swpath_worker_unwatch(&sp->worker[0], fd);
	rcu_drain();
	return 0;
}
