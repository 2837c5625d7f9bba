/* SPDX-License-Identifier: Apache-2.0
 *
 * Going over all steps of a program, nested lists included.
 */
#include <errno.h>

#include "hal/walk.h"

#define MAX_DEPTH 16

static int walk(const uint8_t *at, size_t len, hal_step_cb *cb, void *ctx, unsigned depth);

/* The lists behind a step's own struct: up to two, `len` bytes each. */
static unsigned nested(const struct hal_action *a, size_t *head, size_t len[2])
{
	switch (a->type) {
	case ACTION_SAMPLE:
		*head = sizeof(struct hal_act_sample);
		len[0] = ((const struct hal_act_sample *)a)->nested_len;
		return 1;
	case ACTION_CLONE:
		*head = sizeof(struct hal_act_clone);
		len[0] = ((const struct hal_act_clone *)a)->nested_len;
		return 1;
	case ACTION_CHECK_PKT_LEN:
		*head = sizeof(struct hal_act_check_len);
		len[0] = ((const struct hal_act_check_len *)a)->greater_len;
		len[1] = ((const struct hal_act_check_len *)a)->less_len;
		return 2;
	default:
		return 0;
	}
}

static int walk_nested(const struct hal_action *a, hal_step_cb *cb, void *ctx, unsigned depth)
{
	size_t at = 0, len[2];
	unsigned n = nested(a, &at, len);

	if (n && a->len < at)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		int err;

		if (len[i] > a->len - at)
			return -EINVAL;
		err = walk((const uint8_t *)a + at, len[i], cb, ctx, depth + 1);
		if (err)
			return err;
		at += len[i];
	}
	return 0;
}

static int walk(const uint8_t *at, size_t len, hal_step_cb *cb, void *ctx, unsigned depth)
{
	if (depth > MAX_DEPTH)
		return -EINVAL;
	while (len) {
		const struct hal_action *a = (const struct hal_action *)at;
		int err;

		if (len < sizeof(*a) || a->len < sizeof(*a) || a->len > len || a->len % 8)
			return -EINVAL;
		err = cb(ctx, a);
		if (!err)
			err = walk_nested(a, cb, ctx, depth);
		if (err)
			return err;
		at += a->len;
		len -= a->len;
	}
	return 0;
}

int hal_program_walk(const struct hal_program *p, hal_step_cb *cb, void *ctx)
{
	return walk((const uint8_t *)p->steps, p->len, cb, ctx, 0);
}
