/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and printing controller.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/text_action.h"

static const char *const reasons[] = {
	[OF_REASON_NO_MATCH] = "no_match",
	[OF_REASON_ACTION] = "action",
	[OF_REASON_INVALID_TTL] = "invalid_ttl",
	[OF_REASON_ACTION_SET] = "action_set",
	[OF_REASON_GROUP] = "group",
	[OF_REASON_PACKET_OUT] = "packet_out",
};
#define N_REASONS (sizeof(reasons) / sizeof(reasons[0]))

static int parse_reason(struct of_text_parser *p, const char *text, uint8_t *reason)
{
	for (unsigned i = 0; text && i < N_REASONS; i++) {
		if (strcmp(reasons[i], text) != 0)
			continue;
		*reason = (uint8_t)i;
		return 0;
	}
	return of_text_bad(p->e,
		"controller: reason=%s: expected no_match, action, invalid_ttl, action_set, group "
		"or packet_out",
		text ? text : "");
}

static int parse_member(struct of_text_parser *p, const char *key, char *value, struct of_action *a)
{
	if (!strcmp(key, "max_len"))
		return of_text_u16(p, key, value, &a->max_len);
	if (!strcmp(key, "id"))
		return of_text_u16(p, key, value, &a->controller_id);
	if (!strcmp(key, "meter_id"))
		return of_text_u32(p, key, value, &a->meter);
	if (!strcmp(key, "reason"))
		return parse_reason(p, value, &a->reason);
	if (!strcmp(key, "userdata")) {
		free(a->data);
		a->data = NULL;
		return of_text_hex(p, key, value, &a->data, &a->data_len);
	}
	if (!strcmp(key, "pause")) {
		a->pause = true;
		return value ? of_text_bad(p->e, "controller: pause: it takes no value") : 0;
	}
	return of_text_bad(p->e,
		"controller: \"%s=%s\": expected max_len, reason, id, userdata, pause or meter_id",
		key, value ? value : "");
}

/* What says no more than an output to the controller's port is one. */
static bool is_output(const struct of_action *a)
{
	return !a->controller_id && a->reason == OF_REASON_ACTION && !a->data && !a->pause &&
	       !a->meter;
}

int of_text_controller(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {
		.type = OFACT_CONTROLLER, .max_len = OF_CONTROLLER_MAX, .reason = OF_REASON_ACTION};
	char *name, *arg;
	int err = 0;

	if (value && *value >= '0' && *value <= '9') {
		err = of_text_u16(p, key, value, &a.max_len);
		value = NULL;
	}
	while (!err && value && !(err = of_text_next(&value, &name, &arg, p->e)))
		err = parse_member(p, name, arg, &a);
	if (err && err != -ENOENT) {
		of_action_free(&a);
		return err;
	}
	if (is_output(&a)) {
		a.type = OFACT_OUTPUT;
		a.port = OF_PORT_CONTROLLER;
		a.reason = 0;
	}
	return of_text_push(p, &a);
}

void of_text_put_controller(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	(void)names;
	if (is_output(a)) {
		of_text_put(t, "CONTROLLER:%u", a->max_len);
		return;
	}
	of_text_put(t, "controller(");
	if (a->reason != OF_REASON_ACTION && a->reason < N_REASONS)
		of_text_put(t, "reason=%s,", reasons[a->reason]);
	else if (a->reason != OF_REASON_ACTION)
		of_text_put(t, "reason=%u,", a->reason);
	if (a->max_len != OF_CONTROLLER_MAX)
		of_text_put(t, "max_len=%u,", a->max_len);
	if (a->controller_id)
		of_text_put(t, "id=%u,", a->controller_id);
	if (a->data_len) {
		of_text_put(t, "userdata=");
		of_text_put_hex(t, a->data, a->data_len);
		of_text_put(t, ",");
	}
	if (a->pause)
		of_text_put(t, "pause,");
	if (a->meter)
		of_text_put(t, "meter_id=%u,", a->meter);
	of_text_close(t);
}
