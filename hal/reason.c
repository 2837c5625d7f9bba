/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/reason.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hal/text.h"

static const struct {
	const char *name, *advice;
} reasons[HAL_REASON_MAX] = {
#define REASON(ID, NAME, ADVICE) [HAL_REASON_##ID] = {NAME, ADVICE},
	HAL_REASONS(REASON)
#undef REASON
};

static const int reason_errno[HAL_REASON_MAX] = {
	[HAL_REASON_NONE] = 0,
	[HAL_REASON_UNSUPPORTED_FIELD] = -EOPNOTSUPP,
	[HAL_REASON_UNSUPPORTED_MASK] = -EOPNOTSUPP,
	[HAL_REASON_UNSUPPORTED_ACTION] = -EOPNOTSUPP,
	[HAL_REASON_UNSUPPORTED_COMBINATION] = -EOPNOTSUPP,
	[HAL_REASON_UNBOUND_PORT] = -EOPNOTSUPP,
	[HAL_REASON_NO_ROOM] = -ENOSPC,
	[HAL_REASON_RETRY] = -EAGAIN,
	[HAL_REASON_DEPENDS] = -EAGAIN,
	[HAL_REASON_POLICY] = -EOPNOTSUPP,
	[HAL_REASON_DEVICE_ERROR] = -EIO,
	[HAL_REASON_DEVICE_GONE] = -ENODEV,
	[HAL_REASON_CAPTURED] = -EOPNOTSUPP,
};

void hal_reason_clear(struct hal_reason *r)
{
	*r = (struct hal_reason){
		.code = HAL_REASON_NONE, .field = FIELD_INVALID, .action = ACTION_MAX};
}

static int refuse(struct hal_reason *r, enum hal_reason_code code, enum hal_field_id field,
	enum hal_action_type action, const char *fmt, va_list args)
{
	struct timespec ts;

	if (!r)
		return reason_errno[code];
	hal_reason_clear(r);
	clock_gettime(CLOCK_REALTIME, &ts);
	r->code = code;
	r->field = field;
	r->action = action;
	r->since_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	if (fmt)
		vsnprintf(r->text, sizeof(r->text), fmt, args);
	return reason_errno[code];
}

int hal_refuse(struct hal_reason *r, enum hal_reason_code code, const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = refuse(r, code, FIELD_INVALID, ACTION_MAX, fmt, args);
	va_end(args);
	return err;
}

int hal_refuse_field(struct hal_reason *r, enum hal_reason_code code, enum hal_field_id field,
	const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = refuse(r, code, field, ACTION_MAX, fmt, args);
	va_end(args);
	return err;
}

int hal_refuse_action(struct hal_reason *r, enum hal_reason_code code, enum hal_action_type action,
	const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = refuse(r, code, FIELD_INVALID, action, fmt, args);
	va_end(args);
	return err;
}

const char *hal_reason_name(enum hal_reason_code code)
{
	return code < HAL_REASON_MAX ? reasons[code].name : "unknown";
}

const char *hal_reason_advice(enum hal_reason_code code)
{
	return code < HAL_REASON_MAX ? reasons[code].advice : "";
}

/* What is refused, in the words that fit it best. */
static void put_what(struct hal_text *t, const struct hal_reason *r)
{
	const char *field = r->field < FIELD_MAX ? hal_fields[r->field].name : NULL;
	const char *action = r->action < ACTION_MAX ? hal_action_name(r->action) : NULL;

	if (r->code == HAL_REASON_UNSUPPORTED_ACTION && field && r->action == ACTION_SET) {
		hal_text_put(t, "cannot set %s", field);
		return;
	}
	hal_text_put(t, "%s", hal_reason_name(r->code));
	if (r->code == HAL_REASON_NONE)
		return;
	if (field)
		hal_text_put(t, " %s", field);
	if (action)
		hal_text_put(t, " %s", action);
}

int hal_reason_format(const struct hal_reason *r, char *buf, size_t n)
{
	struct hal_text t = hal_text_start(buf, n);

	put_what(&t, r);
	if (r->code == HAL_REASON_NONE) /* a zeroed reason names field and action 0 */
		return hal_text_end(&t);
	if (r->port)
		hal_text_put(&t, " (port %u)", r->port);
	if (r->text[0])
		hal_text_put(&t, ": %s", r->text);
	if (r->error)
		hal_text_put(&t, " (%s)", strerrordesc_np(r->error) ?: "unknown error");
	return hal_text_end(&t);
}
