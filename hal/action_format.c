/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/action.h"
#include "hal/object.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "hal/base/mem.h"
#include "hal/text.h"

struct printer {
	struct hal_text t;
	hal_port_namer *port_name;
	void *ctx;
};

static void put_port(struct printer *p, uint32_t port)
{
	const char *name = p->port_name ? p->port_name(p->ctx, port) : NULL;

	if (name)
		hal_text_put(&p->t, "%s", name);
	else
		hal_text_put(&p->t, "%" PRIu32, port);
}

static void put_field(
	struct printer *p, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	hal_text_put(&p->t, "%s=", hal_fields[id].name);
	hal_text_took(
		&p->t, hal_field_format(id, value, mask, hal_text_at(&p->t), hal_text_room(&p->t)));
}

static void put_controller(struct printer *p, const struct hal_act_controller *c)
{
	hal_text_put(&p->t, "(reason=%u,max_len=%u,id=%u,table=%u,cookie=0x%" PRIx64 ")", c->reason,
		c->max_len, c->controller_id, c->table, c->cookie);
}

static void put_vlan(struct printer *p, const struct hal_act_vlan *v)
{
	uint16_t tpid = rte_be_to_cpu_16(v->tpid), tci = rte_be_to_cpu_16(v->tci);

	hal_text_put(&p->t, "(");
	if (tpid != 0x8100)
		hal_text_put(&p->t, "tpid=0x%04x,", tpid);
	hal_text_put(&p->t, "vid=%u,pcp=%u)", tci & 0x0fff, tci >> 13);
}

/* The label stack entry of RFC 3032, 2.1. */
static void put_push_mpls(struct printer *p, const struct hal_act_mpls *m)
{
	uint32_t lse = rte_be_to_cpu_32(m->lse);

	hal_text_put(&p->t, "(eth_type=0x%04x,label=%u,tc=%u,bos=%u,ttl=%u)",
		rte_be_to_cpu_16(m->eth_type), lse >> 12, lse >> 9 & 7, lse >> 8 & 1, lse & 0xff);
}

static void put_pbb(struct printer *p, const struct hal_act_pbb *b)
{
	uint32_t itag = rte_be_to_cpu_32(b->itag);

	hal_text_put(&p->t, "(isid=0x%x,pcp=%u)", itag & 0xffffff, itag >> 29);
}

static void put_set(struct printer *p, const struct hal_act_set *s)
{
	hal_text_put(&p->t, "(");
	if (s->field < FIELD_MAX && hal_field_bytes(s->field) <= sizeof(s->value))
		put_field(p, (enum hal_field_id)s->field, s->value, s->mask);
	hal_text_put(&p->t, ")");
}

static void put_tunnel_push(struct printer *p, const struct hal_act_tunnel_push *t)
{
	hal_text_put(&p->t, "(");
	put_port(p, t->port);
	hal_text_put(&p->t, ",%s,header=", t->type == HAL_TUNNEL_GENEVE ? "geneve" : "vxlan");
	for (unsigned i = 0; i < t->header_len; i++)
		hal_text_put(&p->t, "%02x", t->header[i]);
	hal_text_put(&p->t, ")");
}

static void put_nat_range(struct printer *p, const struct hal_act_ct *ct)
{
	int family = ct->nat_flags & HAL_NAT_IPV6 ? AF_INET6 : AF_INET;
	const char *bracket = family == AF_INET6 ? "]" : "";
	char min[INET6_ADDRSTRLEN], max[INET6_ADDRSTRLEN];

	inet_ntop(family, ct->nat_min, min, sizeof(min));
	inet_ntop(family, ct->nat_max, max, sizeof(max));
	if (!mem_is_zero(ct->nat_min, sizeof(ct->nat_min)))
		hal_text_put(&p->t, "=%s%s%s", *bracket ? "[" : "", min, bracket);
	if (!mem_is_zero(ct->nat_max, sizeof(ct->nat_max)) &&
		memcmp(ct->nat_max, ct->nat_min, sizeof(ct->nat_max)))
		hal_text_put(&p->t, "-%s%s%s", *bracket ? "[" : "", max, bracket);
	if (ct->nat_port_min)
		hal_text_put(&p->t, ":%u", ct->nat_port_min);
	if (ct->nat_port_max > ct->nat_port_min)
		hal_text_put(&p->t, "-%u", ct->nat_port_max);
}

static void put_nat(struct printer *p, const struct hal_act_ct *ct)
{
	static const struct {
		uint16_t flag;
		const char *word;
	} words[] = {{HAL_NAT_PERSISTENT, ",persistent"}, {HAL_NAT_HASH, ",hash"},
		{HAL_NAT_RANDOM, ",random"}};

	hal_text_put(&p->t, "nat");
	if (!(ct->nat_flags & (HAL_NAT_SRC | HAL_NAT_DST)))
		return;
	hal_text_put(&p->t, "(%s", ct->nat_flags & HAL_NAT_SRC ? "src" : "dst");
	put_nat_range(p, ct);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ct->nat_flags & words[i].flag)
			hal_text_put(&p->t, "%s", words[i].word);
	hal_text_put(&p->t, ")");
}

static void put_ct(struct printer *p, const struct hal_act_ct *ct)
{
	hal_text_put(&p->t, "(");
	if (ct->flags & HAL_CT_COMMIT)
		hal_text_put(&p->t, "commit,");
	if (ct->flags & HAL_CT_FORCE)
		hal_text_put(&p->t, "force,");
	hal_text_put(&p->t, "zone=%u", ct->zone);
	if (ct->mark_mask == UINT32_MAX)
		hal_text_put(&p->t, ",ct_mark=0x%x", ct->mark);
	else if (ct->mark_mask)
		hal_text_put(&p->t, ",ct_mark=0x%x/0x%x", ct->mark, ct->mark_mask);
	if (!mem_is_zero(ct->label_mask, sizeof(ct->label_mask))) {
		hal_text_put(&p->t, ",");
		put_field(p, FIELD_CT_LABEL, ct->label, ct->label_mask);
	}
	if (ct->alg)
		hal_text_put(&p->t, ",alg=%u", ct->alg);
	if (ct->flags & HAL_CT_NAT) {
		hal_text_put(&p->t, ",");
		put_nat(p, ct);
	}
	hal_text_put(&p->t, ")");
}

static void put_steps(struct printer *p, const void *steps, uint32_t len);

static void put_sample(struct printer *p, const struct hal_act_sample *s)
{
	hal_text_put(&p->t, "(probability=%.3g%%,", s->probability * 100.0 / UINT32_MAX);
	put_steps(p, s + 1, s->nested_len);
	hal_text_put(&p->t, ")");
}

static void put_clone(struct printer *p, const struct hal_act_clone *c)
{
	hal_text_put(&p->t, "(");
	put_steps(p, c + 1, c->nested_len);
	hal_text_put(&p->t, ")");
}

static void put_check_len(struct printer *p, const struct hal_act_check_len *c)
{
	hal_text_put(&p->t, "(size=%" PRIu32 ",gt(", c->max_len);
	put_steps(p, c + 1, c->greater_len);
	hal_text_put(&p->t, "),le(");
	put_steps(p, (const uint8_t *)(c + 1) + c->greater_len, c->less_len);
	hal_text_put(&p->t, "))");
}

/* What stands behind the name of the step. */
static void put_argument(struct printer *p, const struct hal_action *a)
{
	switch ((enum hal_action_type)a->type) {
	case ACTION_OUTPUT:
		hal_text_put(&p->t, "(");
		put_port(p, ((const struct hal_act_output *)a)->port);
		hal_text_put(&p->t, ")");
		break;
	case ACTION_CONTROLLER:
		put_controller(p, (const struct hal_act_controller *)a);
		break;
	case ACTION_PUSH_VLAN:
		put_vlan(p, (const struct hal_act_vlan *)a);
		break;
	case ACTION_PUSH_MPLS:
		put_push_mpls(p, (const struct hal_act_mpls *)a);
		break;
	case ACTION_POP_MPLS:
		hal_text_put(&p->t, "(eth_type=0x%04x)",
			rte_be_to_cpu_16(((const struct hal_act_mpls *)a)->eth_type));
		break;
	case ACTION_PUSH_PBB:
		put_pbb(p, (const struct hal_act_pbb *)a);
		break;
	case ACTION_SET:
		put_set(p, (const struct hal_act_set *)a);
		break;
	case ACTION_TUNNEL_PUSH:
		put_tunnel_push(p, (const struct hal_act_tunnel_push *)a);
		break;
	case ACTION_TUNNEL_POP:
		hal_text_put(&p->t, "(");
		put_port(p, ((const struct hal_act_tunnel_pop *)a)->port);
		hal_text_put(&p->t, ")");
		break;
	case ACTION_GROUP:
	case ACTION_MIRROR:
		hal_text_put(&p->t, "(%" PRIu32 ")", ((const struct hal_act_object *)a)->id);
		break;
	case ACTION_RECIRC:
		hal_text_put(&p->t, "(0x%" PRIx32 ")", ((const struct hal_act_recirc *)a)->id);
		break;
	case ACTION_HASH:
		hal_text_put(&p->t, "(algorithm=%" PRIu32 ",basis=%" PRIu32 ")",
			((const struct hal_act_hash *)a)->algorithm,
			((const struct hal_act_hash *)a)->basis);
		break;
	case ACTION_CT:
		put_ct(p, (const struct hal_act_ct *)a);
		break;
	case ACTION_METER:
		hal_text_put(&p->t, "(%" PRIu32 ")", ((const struct hal_act_meter *)a)->meter);
		break;
	case ACTION_TRUNC:
		hal_text_put(&p->t, "(%" PRIu32 ")", ((const struct hal_act_trunc *)a)->max_len);
		break;
	case ACTION_SAMPLE:
		put_sample(p, (const struct hal_act_sample *)a);
		break;
	case ACTION_CLONE:
		put_clone(p, (const struct hal_act_clone *)a);
		break;
	case ACTION_CHECK_PKT_LEN:
		put_check_len(p, (const struct hal_act_check_len *)a);
		break;
	case ACTION_POP_VLAN:
	case ACTION_POP_PBB:
	case ACTION_COPY_TTL_OUT:
	case ACTION_COPY_TTL_IN:
	case ACTION_DEC_TTL:
	case ACTION_CT_CLEAR:
	case ACTION_MAX:
		break;
	}
}

static void put_steps(struct printer *p, const void *steps, uint32_t len)
{
	const uint8_t *at = steps, *end = at + len;

	if (!len)
		hal_text_put(&p->t, "drop");
	while (at < end) {
		const struct hal_action *a = (const struct hal_action *)at;

		hal_text_put(&p->t, "%s%s", at == (const uint8_t *)steps ? "" : ",",
			hal_action_name((enum hal_action_type)a->type));
		put_argument(p, a);
		at += a->len;
	}
}

int hal_program_format(
	const struct hal_program *prog, hal_port_namer *port_name, void *ctx, char *buf, size_t n)
{
	struct printer p = {hal_text_start(buf, n), port_name, ctx};

	put_steps(&p, prog->steps, prog->len);
	return hal_text_end(&p.t);
}
