/* SPDX-License-Identifier: Apache-2.0
 *
 * What the HAL keeps about an open device. Private to hal/ and its tests.
 *
 * Thread-safety: as hal.h says; only `bound` is read by anybody.
 */
#ifndef SLUICE_HAL_DEVICE_H
#define SLUICE_HAL_DEVICE_H

#include <stdatomic.h>

#include "hal/base/hmap.h"
#include "hal/hal.h"

/* A counter being extended: `packets` and `bytes` are totals, `last` the raw reading that they
 * include. */
struct hal_extender {
	uint64_t packets, bytes;
	struct hal_raw_counter last;
	bool started;
};

/* A rule that the device holds for us, or held: after a DEL only its counter is left. */
struct hal_held {
	struct hmap_node node; /* in hal_device.held, by ufid */
	struct hal_ufid ufid;
	struct hal_cmatch *match; /* NULL: deleted */
	struct hal_program *program;
	uint32_t chain, priority;
	struct hal_extender counter;
	struct hal_counter final; /* as of the last DEL or REPLACE */
	bool has_final;
};

struct hal_batch;

/* An operation that the driver accepted and has not completed. */
struct hal_flight {
	uint64_t token; /* the caller's */
	uint64_t submitted_ms;
	struct hal_held *rule; /* ADD, REPLACE: what will be held */
	struct hal_ufid ufid;
	struct hal_batch *batch; /* the hal_submit_all() that waits for it, or NULL */
	struct hal_held *former; /* abandoned batch: put this back on success, NULL: delete */
	uint32_t next_free;
	uint32_t generation; /* upper half of the token that the driver has */
	enum hal_op_type type;
	unsigned index; /* in the batch */
	bool used;
	bool undo;     /* abandoned batch: undo it when it succeeds */
	bool internal; /* nobody waits for its completion */
};

struct hal_booking {
	struct hmap_node node; /* in hal_device.objects */
	enum hal_object_type type;
	uint32_t id;
	uint32_t refs;
	bool dying; /* unused, but the device would not delete it */
};

struct hal_device {
	struct hal_driver drv; /* with every slot filled */
	void *priv;            /* the driver's */
	char name[64];
	struct hal_caps caps;
	struct hal_flight *flights;
	uint32_t n_flights;   /* allocated */
	uint32_t free_flight; /* head of the free list, UINT32_MAX: none */
	unsigned in_flight;
	uint64_t strays;              /* completions for no operation, or a second time: dropped */
	struct hal_completion *ready; /* to be returned by hal_poll() before it asks the driver */
	unsigned n_ready, cap_ready, next_ready;
	struct hmap held;
	struct hmap objects;
	uint32_t n_objects[HAL_OBJECT_MAX]; /* booked */
	_Atomic uint64_t *bound;            /* bit by port id */
};

/* Opens a device of a driver that need not be listed. */
int hal_device_open_driver(const struct hal_driver *drv, const char *args,
	const struct hal_env *env, struct hal_device **out, struct hal_reason *r);

/* Fills the slots that are NULL with ones that answer -EOPNOTSUPP. */
void hal_driver_fill(struct hal_driver *drv);

uint64_t hal_now_ms(void); /* monotonic */

/* held.c */
struct hal_held *hal_held_find(struct hal_device *dev, const struct hal_ufid *ufid);
struct hal_held *hal_held_new(const struct hal_rule *rule); /* a copy, or NULL */
struct hal_held *hal_held_copy(const struct hal_held *h);
void hal_held_free(struct hal_held *h);
void hal_held_rule(const struct hal_held *h, struct hal_rule *rule); /* borrowed view */
/* What a completion means for the books. `rule` (ADD, REPLACE) is taken over. */
void hal_held_complete(struct hal_device *dev, enum hal_op_type type, const struct hal_ufid *ufid,
	struct hal_held *rule, const struct hal_completion *c);
void hal_held_clear(struct hal_device *dev);

/* counter.c */
void hal_extend(struct hal_extender *e, const struct hal_raw_counter *raw, unsigned bits,
	struct hal_counter *out);

/* submit.c */
unsigned hal_submit_batch(
	struct hal_device *dev, struct hal_op *ops, unsigned n, struct hal_batch *batch);
int hal_ready_push(struct hal_device *dev, const struct hal_completion *c);
/* Asks the driver once and books what it says; completions of callers go to `ready`. */
int hal_collect(struct hal_device *dev);
void hal_flights_free(struct hal_device *dev);

/* batch.c */
void hal_batch_completed(struct hal_batch *b, unsigned index, const struct hal_completion *c);
void hal_undo(struct hal_device *dev, enum hal_op_type type, const struct hal_ufid *ufid,
	const struct hal_held *former);

/* object.c */
void hal_objects_clear(struct hal_device *dev);

#endif
