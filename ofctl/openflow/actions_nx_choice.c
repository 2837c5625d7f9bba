/* SPDX-License-Identifier: Apache-2.0
 *
 * MULTIPATH, BUNDLE and BUNDLE_LOAD: a choice by a hash of the packet's headers.
 */
#include "ofctl/openflow/actions_nx.h"

#include <stdlib.h>
#include <string.h>

#define BUNDLE_MAX_PORTS 2048
#define NXM_OF_IN_PORT 0x00000002u /* the kind of what is chosen from: ports */

enum of_error of_nx_multipath_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_MULTIPATH};
	struct of_choice c = {0};
	uint16_t ofs_bits;
	enum of_error err;

	(void)subtype;
	(void)ctx;
	c.fields = of_get_u16(r);
	c.basis = of_get_u16(r);
	of_skip(r, 2);
	c.algorithm = of_get_u16(r);
	c.max_link = of_get_u16(r);
	c.arg = of_get_u32(r);
	of_skip(r, 2);
	ofs_bits = of_get_u16(r);
	c.dst = of_nx_get_field(r);
	if (c.fields >= OF_HASH_MAX || c.algorithm >= OF_MP_MAX)
		return OFERR_BAD_ACTION_ARGUMENT;
	err = of_nx_part16(&c.dst, ofs_bits, true);
	if (err)
		return err;
	if (c.dst.n_bits < 16 && c.max_link >= 1u << c.dst.n_bits)
		return OFERR_BAD_ACTION_ARGUMENT;
	a.choice = malloc(sizeof(*a.choice));
	if (!a.choice)
		return OFERR_TOO_MANY_ACTIONS;
	memcpy(a.choice, &c, sizeof(c));
	return of_nx_push(acts, &a);
}

void of_nx_multipath_encode(struct of_buf *b, const struct of_action *a)
{
	const struct of_choice *c = a->choice;
	size_t start = of_action_nx_begin(b, NXAST_MULTIPATH);

	of_put_u16(b, c->fields);
	of_put_u16(b, c->basis);
	of_put_zeros(b, 2);
	of_put_u16(b, c->algorithm);
	of_put_u16(b, c->max_link);
	of_put_u32(b, c->arg);
	of_put_zeros(b, 2);
	of_put_u16(b, of_nx_ofs_bits(&c->dst));
	of_nx_put_field(b, &c->dst);
	of_action_end(b, start);
}

/* OF_PORT_ANY is a place that is never up. */
static bool member_ok(uint32_t port)
{
	return port < OF_PORT_MAX || (port >= OF_PORT_IN_PORT && port != OF_PORT_CONTROLLER);
}

/* The part before the ports. `n_ports` of them follow. */
static enum of_error get_bundle(struct of_rd *r, bool load, struct of_choice *c, uint16_t *n_ports)
{
	struct of_rd dst;
	uint32_t kind;
	uint16_t ofs_bits;
	bool zeros;

	c->algorithm = of_get_u16(r);
	c->fields = of_get_u16(r);
	c->basis = of_get_u16(r);
	kind = of_get_u32(r);
	*n_ports = of_get_u16(r);
	ofs_bits = of_get_u16(r);
	dst = of_get_rd(r, 4);
	zeros = of_get_zeros(r, 4);
	if (r->bad)
		return OFERR_BAD_ACTION_LEN;
	if (c->fields >= OF_HASH_MAX || c->algorithm >= OF_BD_MAX || !zeros ||
		kind != NXM_OF_IN_PORT)
		return OFERR_BAD_ACTION_ARGUMENT;
	c->load = load;
	if (!load)
		return ofs_bits || !of_get_zeros(&dst, 4) ? OFERR_BAD_ACTION_ARGUMENT : OFERR_OK;
	c->dst = of_nx_get_field(&dst);
	return of_nx_part16(&c->dst, ofs_bits, true);
}

enum of_error of_nx_bundle_decode(
	struct of_rd *r, uint16_t subtype, const struct of_decode *ctx, struct of_actions *acts)
{
	struct of_action a = {.type = OFACT_BUNDLE};
	struct of_choice c = {0};
	uint16_t n_ports;
	enum of_error err = get_bundle(r, subtype == NXAST_BUNDLE_LOAD, &c, &n_ports);

	(void)ctx;
	if (err)
		return err;
	if (c.load && c.dst.n_bits < 16)
		return OFERR_BAD_ACTION_ARGUMENT;
	if (r->left < n_ports * 2u)
		return OFERR_BAD_ACTION_LEN;
	if (n_ports > BUNDLE_MAX_PORTS)
		return OFERR_BAD_ACTION_ARGUMENT;
	a.choice = malloc(sizeof(c) + n_ports * sizeof(c.ports[0]));
	if (!a.choice)
		return OFERR_TOO_MANY_ACTIONS;
	memcpy(a.choice, &c, sizeof(c));
	a.choice->n_ports = n_ports;
	for (unsigned i = 0; i < n_ports; i++) {
		a.choice->ports[i] = of_port_from16(of_get_u16(r));
		if (!member_ok(a.choice->ports[i]))
			err = OFERR_BAD_OUT_PORT;
	}
	if (!err)
		return of_nx_push(acts, &a);
	free(a.choice);
	return err;
}

void of_nx_bundle_encode(struct of_buf *b, const struct of_action *a)
{
	const struct of_choice *c = a->choice;
	size_t start = of_action_nx_begin(b, c->load ? NXAST_BUNDLE_LOAD : NXAST_BUNDLE);

	of_put_u16(b, c->algorithm);
	of_put_u16(b, c->fields);
	of_put_u16(b, c->basis);
	of_put_u32(b, NXM_OF_IN_PORT);
	of_put_u16(b, (uint16_t)c->n_ports);
	if (c->load) {
		of_put_u16(b, of_nx_ofs_bits(&c->dst));
		of_nx_put_field(b, &c->dst);
	} else {
		of_put_zeros(b, 6);
	}
	of_put_zeros(b, 4);
	for (unsigned i = 0; i < c->n_ports; i++)
		of_put_u16(b, of_port_to16(c->ports[i]));
	of_action_end(b, start);
}
