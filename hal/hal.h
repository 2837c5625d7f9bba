/* SPDX-License-Identifier: Apache-2.0
 *
 * The door to hardware, caller side.
 *
 * What: a struct hal_device wraps one opened device: checks by data and by driver, batches with
 * undo, completions that arrive exactly once, counters that are extended to 64 bits and never run
 * backwards.
 * Why: what every driver would have to do again is done here.
 *
 * Life of an operation:
 *
 *   state      | step                      | next
 *   new        | hal_submit rejects        | done, op.reason says why
 *   new        | hal_submit accepts        | in flight
 *   in flight  | hal_poll returns it       | done, completion.error 0 or -errno
 *   in flight  | device lost              | done, completion.error -ENODEV
 *
 * Thread-safety: as hal_driver.h says: one thread at a time for everything but hal_port_rx and
 * hal_port_tx, which workers call, and hal_device_caps, which anybody may.
 */
#ifndef SLUICE_HAL_H
#define SLUICE_HAL_H

#include "hal/caps.h"
#include "hal/hal_driver.h"

struct hal_device;

/* Whether this build has the driver. */
bool hal_driver_is_known(const char *name);

/* Lets all drivers but that of `spec` ("": none) forget what a former run left on netdevs. Before
 * netdevs are opened by anybody. */
void hal_forget_others(const char *spec, const struct hal_env *env);

/* Opens "<driver>:<args>". 0, or -errno with a reason; -ENOENT if there is no such driver (the
 * reason lists those there are). */
int hal_device_open(
	const char *spec, const struct hal_env *env, struct hal_device **out, struct hal_reason *r);
void hal_device_close(struct hal_device *dev); /* rules stay if the device can keep them */

const struct hal_caps *hal_device_caps(const struct hal_device *dev);
const char *hal_device_name(const struct hal_device *dev);

/* Would this rule be taken? By data first, then the driver's judgement of the combination; room is
 * not considered. No side effects. */
int hal_check(struct hal_device *dev, const struct hal_rule *rule, struct hal_reason *r);

/* Submits operations; each has its `accepted` and, if not, its `reason`. Returns the number that
 * were accepted. */
int hal_submit(struct hal_device *dev, struct hal_op *ops, unsigned n);

/* Submits all or nothing: when one is rejected or fails, what was done before it is undone in
 * reverse order (an ADD by DEL, a REPLACE or DEL by putting back the former rule, which the HAL
 * remembers), waiting at most `timeout_ms`. Returns 0, or the first failure with its reason. */
int hal_submit_all(struct hal_device *dev, struct hal_op *ops, unsigned n, unsigned timeout_ms,
	struct hal_reason *r);

/* Gives up operations older than `age_ms`: they complete with -ETIMEDOUT through hal_poll(), and
 * what the driver says of them later is dropped. Returns their number. */
unsigned hal_expire(struct hal_device *dev, unsigned age_ms);

/* Operations in flight. */
unsigned hal_in_flight(const struct hal_device *dev);

/* Completions, at most `max`. Returns their number or -errno; -ENODEV when the device is lost:
 * everything in flight has then been completed. */
int hal_poll(struct hal_device *dev, struct hal_completion *out, unsigned max);

/* Extended counters: 64 bits, monotonic over wraps and device restarts while the rule is held by
 * this hal_device, also over a REPLACE. known = false if the device cannot say. After a DEL (or a
 * REPLACE with a final reading) completed, hal_counter_final() gives that reading until the ufid
 * is added or replaced again or hal_counter_forget(); -ENOENT if there is none. */
struct hal_counter {
	uint64_t packets, bytes;
	bool known;
	bool hit;
	bool in_kernel;
};
int hal_counters_read(
	struct hal_device *dev, const struct hal_ufid *ufids, unsigned n, struct hal_counter *out);
int hal_counter_final(struct hal_device *dev, const struct hal_ufid *ufid, struct hal_counter *out);
void hal_counter_forget(struct hal_device *dev, const struct hal_ufid *ufid);

/* All rules in the device; or a piece of them (hal_driver.h): 0 in *at begins, and ends. 0,
 * -ENODEV, -EOPNOTSUPP or another -errno. */
int hal_dump(struct hal_device *dev, hal_dump_cb *cb, void *ctx);
int hal_dump_some(struct hal_device *dev, uint64_t *at, unsigned max, hal_dump_cb *cb, void *ctx);

/* Takes a rule that a dump showed into the HAL's books as if it had been added here; its counters
 * start from the dump's reading. 0 or -ENOMEM. */
int hal_adopt(struct hal_device *dev, const struct hal_dump_entry *entry);

/* Forgets rules, counters, port bindings and objects: the device came back without them. */
void hal_forget_state(struct hal_device *dev);

int hal_stats(struct hal_device *dev, struct hal_device_stats *out);

/* Objects are reference-counted: set creates or changes, ref and unref count users, and the last
 * unref deletes it from the device. One that the device would not delete then is asked for again by
 * the sweep, which returns how many are left. set refuses with NO_ROOM beyond caps.max_objects. */
int hal_object_set(struct hal_device *dev, const struct hal_object *obj, struct hal_reason *r);
int hal_object_ref(struct hal_device *dev, enum hal_object_type type, uint32_t id);
int hal_object_unref(struct hal_device *dev, enum hal_object_type type, uint32_t id);
unsigned hal_objects_sweep(struct hal_device *dev);
/* Deletes an object of a former run, which nobody here has set: -EBUSY if somebody has. With
 * HAL_OBJECT_ALL: every one of the type (when nothing of it is booked). 0 or -errno. */
int hal_object_drop(struct hal_device *dev, enum hal_object_type type, uint32_t id);
int hal_object_stats_read(struct hal_device *dev, enum hal_object_type type, uint32_t id,
	struct hal_object_stats *out);

int hal_port_bind(struct hal_device *dev, uint32_t port, const struct hal_port_handle *handle,
	struct hal_reason *r);
int hal_port_unbind(struct hal_device *dev, uint32_t port);
int hal_port_stats_read(struct hal_device *dev, uint32_t port, struct hal_port_stats *out);
/* The netdev that misses of a port arrive at; -ENOENT: the port itself (hal_driver.h). */
int hal_port_miss(struct hal_device *dev, uint32_t port, struct hal_port_handle *out);
bool hal_port_is_bound(const struct hal_device *dev, uint32_t port);

unsigned hal_port_rx(
	struct hal_device *dev, struct rte_mbuf **pkts, struct hal_rx_meta *meta, unsigned max);
unsigned hal_port_tx(struct hal_device *dev, uint32_t port, struct rte_mbuf **pkts, unsigned n);
int hal_port_rx_fd(struct hal_device *dev);

#endif
