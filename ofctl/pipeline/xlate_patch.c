/* SPDX-License-Identifier: Apache-2.0
 *
 * From bridge to bridge: what is sent to a patch port goes on in the peer's bridge at once, as a
 * part of the same translation.
 */
#include <string.h>

#include "ofctl/pipeline/xlate_copy.h"

/* Connections, tunnels and hashes are the first bridge's own. */
static void enter_alone(struct xlate *x)
{
	size_t from = offsetof(struct hal_key, tun_flags), n = sizeof(struct hal_key) - from;

	x->ct_stale |= x->tracked;
	x->tracked = false;
	xlate_forget_ct(x);
	memset((uint8_t *)&x->key.dp + from, 0, n);
	memset((uint8_t *)&x->known.dp + from, 0xff, n);
	memset((uint8_t *)&x->written.dp + from, 0xff, n);
}

void xlate_enter_patch(struct xlate *x, const struct pl_port *out)
{
	const struct pl_port *peer = bridge_patch_peer(out);
	struct xlate_copy *copy;

	if (!peer)
		return;
	copy = xlate_copy_begin(x);
	if (!copy)
		return;
	xlate_credit(x,
		&(struct credit){
			.type = CREDIT_PATCH, .br = out->br, .port = out->cfg.number, .rx = false});
	xlate_credit(x, &(struct credit){.type = CREDIT_PATCH,
				.br = peer->br,
				.port = peer->cfg.number,
				.rx = true});
	x->br = peer->br;
	x->in_port = peer;
	x->list = NULL;
	x->flow = NULL;
	x->cookie = UINT64_MAX;
	x->n_set = 0;
	x->stack.n = 0;
	x->packet_out = false;
	x->key.metadata = 0;
	memset(x->key.reg, 0, sizeof(x->key.reg));
	x->key.actset_output = rte_cpu_to_be_32(OF_PORT_UNSET);
	x->key.in_port_of = x->key.in_phy_port = rte_cpu_to_be_32(peer->cfg.number);
	enter_alone(x);
	xlate_depend(x, dep_key_port(peer->br, peer->cfg.number));
	xlate_bridge(x);
	xlate_copy_end(x, copy);
}
