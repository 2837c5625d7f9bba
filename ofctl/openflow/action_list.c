/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of actions on the wire.
 */
#include "ofctl/openflow/actions.h"
#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"

static enum of_error decode_body(
	uint16_t type, struct of_rd body, const struct of_decode *ctx, struct of_actions *acts)
{
	if (type != OFPAT_EXPERIMENTER)
		return ctx->version == OFP10 ? of_action10_decode(type, body, ctx->match, acts)
					     : of_action13_decode(type, body, ctx->version, acts);
	if (of_get_u32(&body) != EXP_NICIRA)
		return body.bad ? OFERR_BAD_ACTION_LEN : OFERR_BAD_ACTION_EXPERIMENTER;
	return of_action_nx_decode(body, ctx, acts);
}

enum of_error of_action_decode(
	const struct of_decode *ctx, struct of_rd *r, struct of_actions *acts)
{
	uint16_t type = of_get_u16(r), len = of_get_u16(r);
	struct of_rd body;

	if (r->bad || len < 8 || len % 8)
		return OFERR_BAD_ACTION_LEN;
	body = of_get_rd(r, len - 4u);
	return body.bad ? OFERR_BAD_ACTION_LEN : decode_body(type, body, ctx, acts);
}

enum of_error of_actions_decode(uint8_t version, struct of_rd r, const struct hal_match *match,
	struct of_actions *acts, struct of_instructions *ins)
{
	struct of_decode ctx = {version, match, ins, 0};

	*acts = (struct of_actions){0};
	while (r.left) {
		enum of_error err = of_action_decode(&ctx, &r, acts);

		if (err) {
			of_actions_free(acts);
			return err;
		}
	}
	return OFERR_OK;
}

void of_actions_encode(struct of_buf *b, uint8_t version, const struct of_actions *acts)
{
	for (unsigned i = 0; i < acts->n; i++) {
		if (version != OFP10) {
			of_action13_encode(b, version, &acts->a[i]);
			continue;
		}
		of_action10_encode(b, &acts->a[i]);
		/* One action of 1.0 stands for a port of every protocol. */
		if (of_actions_tp_run(acts, i) > 1)
			i += of_actions_tp_run(acts, i) - 1;
	}
}
