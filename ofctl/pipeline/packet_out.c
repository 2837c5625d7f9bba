/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets from controllers.
 */
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "ofctl/pipeline/clock.h"
#include "ofctl/pipeline/packet_out.h"
#include "ofctl/pipeline/pipeline_priv.h"
#include "swpath/swpath.h"

LOG_DEFINE(packet_out);

/* The effects and credits of a packet that no megaflow carries. */
static void account(struct pl_bridge *br, struct xlate *x, uint64_t bytes)
{
	credit_packet(x, bytes, clock_ms());
	if (!x->n_effects)
		return;
	pipeline_change_begin(br->pl);
	for (unsigned i = 0; i < x->n_effects; i++)
		effect_run(br->pl, &x->effects[i]);
	pipeline_change_end_soon(br->pl);
}

/* For so long what a packet-out needs when it comes back is kept. */
#define IN_FLIGHT_MS 5000

static void keep_recircs(const struct xlate *x)
{
	struct pl_recirc **r = x->recircs.data;

	for (unsigned i = 0; i < x->recircs.n; i++)
		recirc_linger(r[i], clock_ms() + IN_FLIGHT_MS);
}

void packet_out_run(struct pl_bridge *br, struct xlate *x, const struct hal_key *key,
	const void *data, size_t len)
{
	struct hal_program *program;

	account(br, x, len);
	program = hal_builder_finish(&x->out);
	if (program && program->len && swpath_inject(br->pl->sp, key, data, len, program))
		log_warn("%s: a packet-out of %zu bytes was lost: the way to the worker is full",
			br->name, len);
	free(program);
	keep_recircs(x);
}

enum of_error pl_packet_out_check(struct pl_bridge *br, const struct of_packet_out *po)
{
	struct hal_match any = {0};

	if (po->len < 14)
		return OFERR_BAD_PACKET;
	if (!bridge_port(br, po->in_port) && po->in_port < OF_PORT_MAX)
		return OFERR_BAD_PORT;
	/* Here every header field is known, so actions are judged by the packet itself. */
	swpath_parse(po->data, po->len, &any.value.dp);
	memset(&any.mask.dp, 0xff, sizeof(any.mask.dp));
	return pl_actions_check(br, &po->actions, &any);
}

enum of_error pl_packet_out(struct pl_bridge *br, const struct of_packet_out *po)
{
	const struct pl_port *in = bridge_port(br, po->in_port);
	enum of_error error = pl_packet_out_check(br, po);
	struct hal_key key;
	struct xlate x;

	if (error)
		return error;
	swpath_parse(po->data, po->len, &key);
	if (in)
		key.in_port = rte_cpu_to_be_32(in->cfg.dp_port);
	xlate_packet_out(&x, br, in, &key, po->has_fields ? &po->fields : NULL, &po->actions);
	if (x.error) {
		xlate_clear(&x);
		return OFERR_BAD_ACTION_ARGUMENT;
	}
	packet_out_run(br, &x, &key, po->data, po->len);
	xlate_clear(&x);
	return OFERR_OK;
}
