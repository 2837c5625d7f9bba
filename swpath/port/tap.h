/* SPDX-License-Identifier: Apache-2.0
 *
 * TAP devices that outlive the process, and whose they are.
 *
 * What: makes, adopts, lists and deletes persistent TAPs marked by their alias "sluice:<rundir>".
 * Why a mark: their addresses and routes have to survive a restart, so a new process must know
 * which devices are its own, and leave all others alone.
 * Thread-safety: control thread.
 */
#ifndef SLUICE_SWPATH_PORT_TAP_H
#define SLUICE_SWPATH_PORT_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "swpath/port/rtnl.h"

struct swpath_tap {
	int fd;   /* non-blocking; each frame is preceded by a struct virtio_net_hdr */
	bool uso; /* it takes UDP super-frames */
	uint32_t ifindex;
};

/* Opens the TAP `name` of this run directory: the one that is there, or a new one. 0; -EEXIST if
 * a device that is not ours has the name; -EBUSY if another process has it open; or another
 * -errno; with a message. */
int swpath_tap_open(
	const char *rundir, const char *name, struct swpath_tap *tap, char *err, size_t n);

/* Closes it; the device stays unless `delete_netdev`. */
void swpath_tap_close(struct swpath_tap *tap, bool delete_netdev);

/* Is this link a TAP marked by this run directory? */
bool swpath_tap_is_ours(const char *rundir, const struct swpath_rtnl_link *link);

#endif
