/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own TC filter that keeps a netdev's received frames from the host's network stack.
 *
 * What: a clsact qdisc and, at its ingress, a cls_bpf direct-action filter "sluice-drop" of two
 * instructions, after all other filters. Packet sockets see frames before it, so the port still
 * receives them.
 * Why: else the host would answer for an address on a port's netdev, and forward what the switch
 * forwards too.
 * Ownership: the qdisc is removed only if it was made here and nothing else hangs on it. The
 * filter's handle tells who made the qdisc, so that a later process that finds the filter of a
 * killed one knows too.
 * Thread-safety: control thread.
 */
#ifndef SLUICE_SWPATH_PORT_TC_DROP_H
#define SLUICE_SWPATH_PORT_TC_DROP_H

#include <stddef.h>
#include <stdint.h>

/* Makes sure that the filter is there; one that a former process left is taken over. 0 or -errno
 * and a message that names the step that failed. */
int swpath_tc_drop_attach(uint32_t ifindex, const char *name, char *err, size_t n);

/* Takes the filter away; nothing to do if the filter or the netdev is gone. 0 or -errno. */
int swpath_tc_drop_detach(uint32_t ifindex);

#endif
