/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets for controllers, and what they tell beside the packet: registers and what else the
 * pipeline noted, the controller action's userdata, and how to go on after a pause. That is kept
 * under an id of its own (frozen.h), which the step carries.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/mem.h"
#include "ofctl/pipeline/meter.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "ofctl/pipeline/xlate_more.h"

struct to_controller {
	uint16_t max_len, controller_id;
	uint8_t reason, table;
	uint64_t cookie;
	const uint8_t *data;
	uint16_t data_len;
	uint32_t paused; /* id of what goes on after it, or 0 */
};

/* True if the packet and the step's own members say all. */
static bool is_plain(const struct xlate *x, const struct to_controller *t)
{
	const size_t tun = offsetof(struct hal_key, tun_flags);

	return !t->data_len && !t->paused && mem_is_zero(x->key.reg, sizeof(x->key.reg)) &&
	       mem_is_zero((const uint8_t *)&x->written.dp + tun, sizeof(struct hal_key) - tun);
}

/* The id of what the packet-in says; 0 with x->error set. */
static uint32_t note(struct xlate *x, const struct to_controller *t)
{
	struct pl_frozen s = {.bridge = x->br->id, .paused = t->paused};
	struct pl_recirc *r, **slot;
	int error;

	slot = xlate_vec_add(x, &x->recircs, sizeof(struct pl_recirc *));
	if (!slot)
		return 0;
	x->recircs.n--;
	xlate_freeze_fields(x, &s);
	if (t->data_len) {
		s.data = malloc(t->data_len);
		if (!s.data) {
			x->error = -ENOMEM;
			return 0;
		}
		memcpy(s.data, t->data, t->data_len);
		s.data_len = t->data_len;
	}
	r = recirc_get(x->pl->recircs, &s, &error);
	if (!r) {
		x->error = error;
		return 0;
	}
	*slot = r;
	x->recircs.n++;
	return r->id;
}

static void emit(struct xlate *x, const struct to_controller *t)
{
	uint32_t id = is_plain(x, t) ? 0 : note(x, t);
	struct hal_act_controller *c;

	if (x->error || (x->in_port && x->in_port->no_packet_in))
		return;
	/* The packet-in tells of the connection what the pipeline knows. */
	if (x->ct_stale)
		hal_build_plain(&x->out, ACTION_CT_CLEAR);
	x->ct_stale = false;
	c = hal_builder_add(&x->out, ACTION_CONTROLLER, sizeof(*c));
	if (!c)
		return;
	c->cookie = t->cookie;
	c->bridge = x->br->id;
	c->in_port_of = rte_be_to_cpu_32(x->key.in_port_of);
	/* The event says what metadata was, so the megaflow must be sure of it: it always is, since
	 * metadata is never the packet's. */
	c->metadata = rte_be_to_cpu_64(x->key.metadata);
	c->max_len = t->max_len;
	c->controller_id = t->controller_id;
	c->table = t->table;
	c->reason = t->reason;
	c->note = id;
	xlate_useful(x);
}

/* What a meter drops does not reach the controller, but goes on otherwise. */
static void metered(struct xlate *x, uint32_t meter, const struct to_controller *t)
{
	uint32_t at = hal_build_nested_begin(&x->out, ACTION_CLONE, 0);

	xlate_meter(x, meter);
	emit(x, t);
	if (!x->error && !x->out.error)
		hal_build_nested_end(&x->out, at);
	xlate_useful(x);
}

/* `meter`: 0 if the action names none; then it is the one of all packet-ins, if there is one
 * (OpenFlow 1.3, 7.3.4.4: OFPM_CONTROLLER). */
static void tell(struct xlate *x, uint32_t meter, const struct to_controller *t)
{
	if (!meter) {
		xlate_depend(x, (struct dep_key){DEP_METER, x->br->id, OF_METER_CONTROLLER});
		if (bridge_meter(x->br, OF_METER_CONTROLLER))
			meter = OF_METER_CONTROLLER;
	}
	if (meter)
		metered(x, meter, t);
	else
		emit(x, t);
}

static struct to_controller of_action(const struct of_action *a)
{
	return (struct to_controller){.max_len = a->max_len,
		.controller_id = a->controller_id,
		.reason = a->reason,
		.data = a->data,
		.data_len = a->data_len};
}

/* In the place of a recirculation: the controller gives the packet back. */
static void paused(struct xlate *x, struct pl_recirc *r, const void *arg)
{
	struct to_controller t = of_action(arg);

	t.table = x->paused_table;
	t.cookie = x->paused_cookie;
	t.paused = r->id;
	tell(x, 0, &t);
}

void xlate_controller(struct xlate *x, const struct of_action *a)
{
	struct to_controller t = of_action(a);

	if (a->pause) {
		x->paused_table = x->table;
		x->paused_cookie = x->cookie;
		xlate_freeze_after(x, paused, a);
		return;
	}
	t.table = x->table;
	t.cookie = x->cookie;
	tell(x, a->meter, &t);
}

void xlate_emit_controller(struct xlate *x, uint16_t max_len, uint8_t reason)
{
	tell(x, 0,
		&(struct to_controller){.max_len = max_len,
			.reason = reason,
			.table = x->table,
			.cookie = x->cookie});
}
