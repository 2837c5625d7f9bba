/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that megaflows name: meters, ends of tunnels, tracked connections.
 *
 * What: descriptions of what the steps METER, TUNNEL_PUSH, TUNNEL_POP and CT refer to. Each device
 * that has such objects gets those that its rules use: before the first rule, until after the
 * last. A megaflow whose meter or tunnel is not described is refused with HAL_REASON_DEPENDS and
 * placed when the description comes.
 *
 * Meters live in one place: a meter is in a device only while every live megaflow that uses it can
 * be there; else it and its flows stay in software (HAL_REASON_POLICY).
 *
 * Connections: only those in zones that a rule of the device uses, and as many as there is room
 * for. What a device counts of them is told by offload_ops.connection_hit.
 *
 * Threads: the control thread, but offload_connection_set() and _gone(), which any thread may
 * call: they take no lock and do not allocate.
 */
#ifndef SLUICE_OFFLOAD_OBJECTS_H
#define SLUICE_OFFLOAD_OBJECTS_H

#include <stdint.h>

#include "hal/object.h"

struct offload;

/* Describes a meter, or changes it where it is. 0, -EINVAL (more than HAL_METER_BANDS bands) or
 * -ENOMEM. */
int offload_meter_set(struct offload *ol, uint32_t id, const struct hal_meter *meter);

/* The meter is no more; rules that still use it leave their devices. 0 or -ENOENT. */
int offload_meter_del(struct offload *ol, uint32_t id);

/* What devices counted, since the meter was first described, as of the last reading of counters
 * (offload_refresh() makes one). Never goes down. 0 or -ENOENT. */
int offload_meter_stats(struct offload *ol, uint32_t id, struct hal_meter_stats *out);

/* An end of tunnels, by its port's datapath id; a device that has it takes megaflows from that
 * port. 0 or -ENOMEM; del: 0 or -ENOENT. */
int offload_tunnel_set(struct offload *ol, uint32_t port, const struct hal_tunnel *tunnel);
int offload_tunnel_del(struct offload *ol, uint32_t port);

/* An established connection, in both directions, or its change. `id` is the caller's, unique among
 * connections at a time. 0 (also when no device wants it), or -EAGAIN: too much is waiting, the
 * connection is not known here. */
int offload_connection_set(
	struct offload *ol, uint64_t id, const struct hal_connection direction[2]);

/* It is no more, or no longer established. Always taken: when too much is waiting, devices give
 * up all of their connections instead, which are then established in software until they are
 * announced again. */
void offload_connection_gone(struct offload *ol, uint64_t id);

#endif
