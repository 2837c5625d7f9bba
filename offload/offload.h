/* SPDX-License-Identifier: Apache-2.0
 *
 * The offload engine: decides what goes into hardware, keeps it true there, and explains.
 *
 * What: one struct offload has any number of devices (up to HAL_MAX_DEVICES), each with its own
 * submit thread. The pipeline tells it of megaflows through lock-free rings; it judges each
 * against each device, places it or stores the refusal, reads counters, retries what was refused
 * for a while, replays everything when a device lost its state, and adopts or removes what it
 * finds in a device when it opens it.
 *
 * Which device: a megaflow goes to a device that its input port is bound to; on every other its
 * reason is "port not on the device".
 *
 * Threads: functions are called by the control thread. Device threads write a megaflow's
 * offload[] slot and hw_* counters; offload_slot_read() gives a consistent copy.
 */
#ifndef SLUICE_OFFLOAD_H
#define SLUICE_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/hal.h"
#include "hal/megaflow.h"
#include "offload/decision.h"

struct offload;

struct offload_ops {
	/* Device thread, or inside offload_megaflow_withdraw() when no device has it: a megaflow
	 * that was withdrawn is out of every device and its hw counters are final. Its reference is
	 * dropped after this returns. Must not block, nor call offload. */
	void (*withdrawn)(void *ctx, struct hal_megaflow *mf);
	/* Device thread: a device was lost, came back, or was reset. Must not block. */
	void (*device_changed)(void *ctx, unsigned device);
	/* Device thread: packets of a connection that a device handled since it was last told.
	 * Must not block, nor call offload. May be NULL. */
	void (*connection_hit)(void *ctx, uint64_t id, uint64_t packets);
	/* Device thread: a rule of a former run was found, and no packet has come for it while it
	 * could wait. If its megaflow is announced within a second the rule is claimed, else it
	 * goes. All NULL: those were all. False: ask again. Must not block, nor call offload.
	 * May be NULL. */
	bool (*found)(void *ctx, const struct hal_ufid *ufid, const struct hal_cmatch *match,
		const struct hal_program *program);
	void *ctx;
};

struct offload_config {
	struct offload_ops ops;
	unsigned counter_interval_ms; /* how often counters are read, 0: 500 */
	unsigned retry_interval_ms;   /* how often temporary refusals are tried again, 0: 1000 */
	unsigned adopt_grace_ms;      /* how long rules of a former run may wait, 0: 10000 */
	unsigned op_timeout_ms;       /* when a lost completion is given up, 0: 3000 */
};

int offload_open(const struct offload_config *cfg, struct offload **out); /* 0 or -ENOMEM */

/* Stops the device threads and drops all references; ops.withdrawn is not called for what was
 * still there. Rules stay in devices that survive restarts. */
void offload_close(struct offload *ol);

/* Adds a device and starts its thread. Returns its index (0 to HAL_MAX_DEVICES - 1) or -errno with
 * a reason. */
int offload_device_add(
	struct offload *ol, const char *spec, const struct hal_env *env, struct hal_reason *r);

/* Takes all rules out of the device, waiting at most 2 s, and closes it. -ENOENT if there is none.
 */
int offload_device_remove(struct offload *ol, unsigned device);
struct hal_device *offload_device(struct offload *ol, unsigned device); /* NULL if none */

/* Binds a port to a device, on the device's thread; waits at most 2 s. 0, or -errno with a reason:
 * -EEXIST, -ENODEV (the device is gone), -ETIMEDOUT (it was not done and will not be), or the
 * driver's. Unbinding takes the rules that use the port out first; *last (or NULL) is then what the
 * port had counted, and stays as it is if the device does not tell. */
int offload_port_bind(struct offload *ol, unsigned device, uint32_t port,
	const struct hal_port_handle *handle, struct hal_reason *r);
int offload_port_unbind(
	struct offload *ol, unsigned device, uint32_t port, struct hal_port_stats *last);
/* The netdev that misses of a bound port arrive at; -ENOENT: the port itself (hal_port_miss()). */
int offload_port_miss(
	struct offload *ol, unsigned device, uint32_t port, struct hal_port_handle *out);
int offload_port_stats(
	struct offload *ol, unsigned device, uint32_t port, struct hal_port_stats *out);

#define OFFLOAD_AUDIT_MS 10000 /* unless it is set */

/* From the beginning of one audit of a device to that of the next, milliseconds; 0: only on demand.
 */
void offload_audit_interval(struct offload *ol, unsigned ms);

/* A megaflow went live (a reference is taken), or is to leave all devices. 0, -ENOMEM, -EEXIST
 * (announced before), -ENOENT (withdrawn without having been live). When `successor` is not
 * NULL it has the same match: the device replaces one by the other with no gap where it can, and
 * the successor need not be announced with offload_megaflow_live(). */
int offload_megaflow_live(struct offload *ol, struct hal_megaflow *mf);
int offload_megaflow_withdraw(
	struct offload *ol, struct hal_megaflow *mf, struct hal_megaflow *successor);

/* Calls `done` (on a thread of offload, or at once when there is no device) when everything that
 * was asked before this call has been done in every device. A device that is gone is not waited
 * for, and one that makes no progress for 500 ms no longer. `done` must not block. -ENOMEM is
 * answered by calling `done` at once. */
void offload_barrier(struct offload *ol, void (*done)(void *arg), void *arg);

/* Reads all counters of live rules now and calls `done` as above: afterwards hw_* are fresh. */
void offload_refresh(struct offload *ol, void (*done)(void *arg), void *arg);

/* Compares every device with what it should hold, and calls `done` as above when that has ended and
 * what was found is repaired. What is left of a former run, and nobody has claimed, goes now rather
 * than after the grace period. */
void offload_audit(struct offload *ol, void (*done)(void *arg), void *arg);

/* While `on`, rules of a former run stay where they are, claimed or not; the grace period follows.
 * Any thread. */
void offload_keep_former(struct offload *ol, bool on);

/* ---- keeping megaflows in software ---- */

struct offload_hold;

/* While a hold lasts, no device gets a megaflow that it concerns, and one that is in a device is
 * taken out; it is refused as HAL_REASON_CAPTURED with `why` as text. In force everywhere after the
 * next offload_barrier(), but for a device that makes no progress. When the hold ends they are
 * judged anew. `concerns` is asked by devices' threads and always says the same of the same rule;
 * it must not block, nor call offload, and is not called any more once offload_hold_end() has
 * returned. 0 or -ENOMEM. */
typedef bool offload_concerns(void *ctx, const struct hal_rule *rule);
int offload_hold_begin(struct offload *ol, offload_concerns *concerns, void *ctx, const char *why,
	struct offload_hold **out);
void offload_hold_end(struct offload *ol, struct offload_hold *hold);

/* ---- what users ask ---- */

void offload_slot_read(struct offload *ol, const struct hal_megaflow *mf, unsigned device,
	struct hal_offload_slot *out);

struct offload_audit_info {
	uint64_t passes, rules; /* ended so far; seen in the device by the last one */
	uint64_t took_ms;       /* the last one */
	uint64_t ended_ms;      /* wall clock, 0: none has */
	/* since the start: rules that were not there, that were altered, that nobody wants; and
	 * those of the first two kinds that are there again */
	uint64_t lost, altered, unwanted, repaired;
};

struct offload_device_info {
	char name[32];
	struct hal_device_stats stats;
	uint64_t placed, pending, refused;              /* megaflows now */
	uint64_t refused_by[HAL_REASON_MAX];            /* megaflows now, by reason */
	uint64_t accepted_ops, failed_ops, quarantined; /* since the start */
	uint64_t resets, replayed, adopted, removed_foreign;
	uint64_t leaked_packets;
	uint64_t lag_ms;                  /* of the last barrier */
	uint64_t objects[HAL_OBJECT_MAX]; /* in the device now; a connection is two, one a direction
					   */
	uint64_t connections;             /* in the device now */
	uint64_t connections_waiting;     /* known, without room in the device */
	struct offload_audit_info audit;
};
int offload_device_info(struct offload *ol, unsigned device, struct offload_device_info *out);
unsigned offload_device_count(const struct offload *ol); /* highest index + 1 */

/* Would this rule be taken by this device, were it asked now? For explaining; waits at most 2 s
 * for the device's thread. 0 or -errno with a reason. */
int offload_explain(struct offload *ol, unsigned device, const struct hal_rule *rule,
	uint32_t in_port, struct hal_reason *r);

#endif
