/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a device does not hold something.
 *
 * What: struct hal_reason, filled by static checks and by drivers, stored with the megaflow and
 * shown to the operator. Every refusal has one.
 * Thread-safety: plain data.
 */
#ifndef SLUICE_HAL_REASON_H
#define SLUICE_HAL_REASON_H

#include <stddef.h>
#include <stdint.h>

#include "hal/action.h"
#include "hal/field.h"

/* REASON(ID, name, what would unblock it) */
#define HAL_REASONS(REASON)                                                                     \
	REASON(NONE, "none", "nothing is refused")                                              \
	REASON(UNSUPPORTED_FIELD, "unsupported field",                                          \
		"leave the field out of the flow, or use a device that matches it")             \
	REASON(UNSUPPORTED_MASK, "unsupported mask",                                            \
		"match the field with a mask kind that the device has")                         \
	REASON(UNSUPPORTED_ACTION, "unsupported action",                                        \
		"leave the action out, or use a device that has it")                            \
	REASON(UNSUPPORTED_COMBINATION, "unsupported combination",                              \
		"split the flow: each part alone could be offloaded")                           \
	REASON(UNBOUND_PORT, "port not on the device",                                          \
		"bind the port to the device (set Interface NAME options:device=DEVICE)")       \
	REASON(NO_ROOM, "no room now", "free room in the device; it is tried again by itself")  \
	REASON(RETRY, "device busy", "nothing to do: it is tried again by itself")              \
	REASON(DEPENDS, "depends on another rule", "the other rule has to be placed first")     \
	REASON(POLICY, "policy", "change the offload policy in other_config")                   \
	REASON(DEVICE_ERROR, "device error", "see the device's own words")                      \
	REASON(DEVICE_GONE, "device gone", "bring the device back; flows return by themselves") \
	REASON(CAPTURED, "being captured",                                                      \
		"nothing to do: it returns by itself when the capture ends")

enum hal_reason_code {
#define REASON(ID, ...) HAL_REASON_##ID,
	HAL_REASONS(REASON)
#undef REASON
		HAL_REASON_MAX,
};

struct hal_reason {
	enum hal_reason_code code;
	enum hal_field_id field;     /* what blocks it, or FIELD_INVALID */
	enum hal_action_type action; /* what blocks it, or ACTION_MAX */
	uint32_t port;               /* UNBOUND_PORT: the datapath port id */
	int error;                   /* the driver's errno (positive), or 0 */
	uint64_t since_ms;           /* wall clock, milliseconds since the epoch */
	char text[120];              /* the device's own words, or "" */
};

void hal_reason_clear(struct hal_reason *r);

/* Fill `r` and return the matching -errno (-EOPNOTSUPP, -ENOSPC, -EAGAIN, -EIO, -ENODEV). `r` may
 * be NULL. */
int hal_refuse(struct hal_reason *r, enum hal_reason_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int hal_refuse_field(struct hal_reason *r, enum hal_reason_code code, enum hal_field_id field,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int hal_refuse_action(struct hal_reason *r, enum hal_reason_code code, enum hal_action_type action,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* True if the same rule could be accepted later without being changed. */
static inline int hal_reason_is_temporary(enum hal_reason_code code)
{
	return code == HAL_REASON_NO_ROOM || code == HAL_REASON_RETRY ||
	       code == HAL_REASON_DEPENDS || code == HAL_REASON_DEVICE_GONE;
}

const char *hal_reason_name(enum hal_reason_code code);   /* "no room now" */
const char *hal_reason_advice(enum hal_reason_code code); /* what would unblock it */

/* "unsupported field ipv6_dst: the parser of this device stops at IPv4". snprintf's value. */
int hal_reason_format(const struct hal_reason *r, char *buf, size_t n);

#endif
