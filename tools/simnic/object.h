/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects of the eSwitch.
 *
 * What: what rules refer to by type and number: groups, meters, mirrors, tunnel ends, connections.
 * Connections are found by zone and tuple too. An object that rules or groups use stays; one that
 * the attached driver has not set goes away with its last user.
 * Threads: one.
 */
#ifndef SLUICE_TOOLS_SIMNIC_OBJECT_H
#define SLUICE_TOOLS_SIMNIC_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "drivers/sim/protocol.h"

struct nic;
struct nic_packet;

/* Token buckets of a meter: a token is a millionth of a bit, or a billionth of a packet. */
struct nic_meter {
	struct hal_meter config;
	uint64_t tokens[HAL_METER_BANDS];
	uint64_t filled_ns; /* monotonic */
};

struct nic_object {
	struct nic_object *next, *next_same_tuple;
	TAILQ_ENTRY(nic_object) all;
	uint32_t type, id; /* enum hal_object_type */
	uint32_t refs;     /* by steps of rules and of groups */
	bool claimed;      /* by the driver that attached last */
	struct hal_object_stats stats;
	union {
		struct nic_meter meter;
		struct hal_mirror mirror;
		struct hal_tunnel tunnel;
		struct hal_connection connection;
		struct {
			uint32_t n_buckets, len;
			uint8_t *buckets; /* struct sim_bucket and TLVs */
		} group;
	} u;
};

TAILQ_HEAD(nic_object_list, nic_object);

struct nic_objects {
	struct nic_object **by_id, **by_tuple;
	struct nic_object_list all;
	uint32_t n[HAL_OBJECT_MAX];
};

int nic_objects_init(struct nic_objects *objects); /* 0 or -ENOMEM */
void nic_objects_clear(struct nic_objects *objects);
void nic_objects_destroy(struct nic_objects *objects);

struct nic_object *nic_object_find(const struct nic_objects *objects, uint32_t type, uint32_t id);
struct nic_object *nic_connection_find(
	const struct nic_objects *objects, const struct hal_connection *tuple);

/* Does an OBJECT_SET or OBJECT_DEL. `done` says what became of it. */
void nic_object_set(struct nic *nic, const uint8_t *body, size_t len, struct sim_done *done);
void nic_object_del(struct nic *nic, const struct sim_object_name *name, struct sim_done *done);

/* Counts the objects that steps name as used once more, or once less. */
void nic_objects_ref(struct nic *nic, const uint8_t *tlvs, uint32_t len);
void nic_objects_unref(struct nic *nic, const uint8_t *tlvs, uint32_t len);

void nic_objects_unclaim(struct nic *nic);        /* another driver attached */
void nic_objects_drop_unclaimed(struct nic *nic); /* it has had its time to claim them */

/* ---- meter.c ---- */

void nic_meter_start(struct nic_meter *m);

/* True if no band is exceeded by the packet, a super-frame counting as the frames that it makes.
 * One that exceeds a band has to be segmented: each frame comes to the meter as if it were alone.
 */
bool nic_meter_takes(struct nic_object *o, const struct nic_packet *p);

/* Passes the packet through the meter. False: a band drops it. */
bool nic_meter_run(struct nic_object *o, struct nic_packet *p);

#endif
