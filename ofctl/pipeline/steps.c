/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps of the action program, with what each means for the key.
 */
#include <string.h>

#include "hal/mutation.h"
#include "ofctl/pipeline/xlate.h"

#define ETH_P_MPLS_UC 0x8847
#define LSE_BOTTOM 0x100u

void xlate_useful(struct xlate *x)
{
	if (x->out.program)
		x->useful = x->out.program->len;
}

void xlate_emit_output(struct xlate *x, const struct pl_port *port)
{
	hal_build_output(&x->out, port->cfg.dp_port);
	xlate_useful(x);
}

void xlate_write_field(
	struct xlate *x, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	uint8_t ones[HAL_VALUE_MAX];

	if (!mask) {
		memset(ones, 0xff, sizeof(ones));
		mask = ones;
	}
	hal_field_set(id, &x->key, value, mask);
	hal_field_set(id, &x->known, mask, mask);
	hal_field_set(id, &x->written, mask, mask);
}

/* What these say becomes part of the headers that a tunnel port puts before the packet; by itself
 * it changes nothing. */
static bool is_tunnel(enum hal_field_id id)
{
	return hal_fields[id].offset >= offsetof(struct hal_key, tun_flags) &&
	       hal_fields[id].offset < sizeof(struct hal_key);
}

void xlate_emit_set(
	struct xlate *x, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	if (id == FIELD_IP_TTL && (!mask || mask[0] == 0xff))
		x->ttl_dec = 0;
	if (hal_field_is_dp(id) && !is_tunnel(id))
		hal_build_set(&x->out, id, value, mask);
}

void xlate_forget_ct(struct xlate *x)
{
	static const enum hal_field_id ids[] = {FIELD_CT_STATE, FIELD_CT_ZONE, FIELD_CT_MARK,
		FIELD_CT_LABEL, FIELD_CT_NW_PROTO, FIELD_CT_NW_SRC, FIELD_CT_NW_DST,
		FIELD_CT_IPV6_SRC, FIELD_CT_IPV6_DST, FIELD_CT_TP_SRC, FIELD_CT_TP_DST};
	static const uint8_t zero[HAL_VALUE_MAX];

	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		xlate_write_field(x, ids[i], zero, NULL);
}

/* ---- VLAN tags ---- */

static uint8_t *bytes(void *p)
{
	return (uint8_t *)p;
}

/* Copies tag `from` of the key over tag `to` in key, known and written; from -1 is a constant. */
static void tag_move(struct xlate *x, int to, int from)
{
	struct xlate_key *keys[] = {&x->key, &x->known, &x->written};

	for (unsigned i = 0; i < 3; i++) {
		struct hal_vlan *v = keys[i]->dp.vlan;

		if (from >= 0)
			v[to] = v[from];
		else
			memset(&v[to], i ? 0xff : 0, sizeof(v[to]));
	}
	x->vlan_from[to] = from >= 0 ? x->vlan_from[from] : -1;
}

void xlate_push_vlan(struct xlate *x, uint16_t tpid, uint16_t tci)
{
	hal_build_push_vlan(&x->out, rte_cpu_to_be_16(tpid),
		rte_cpu_to_be_16(tci & (uint16_t)~HAL_VLAN_PRESENT));
	x->push_end = x->out.program ? x->out.program->len : 0;
	tag_move(x, 1, 0);
	tag_move(x, 0, -1);
	x->key.dp.vlan[0].tpid = rte_cpu_to_be_16(tpid);
	x->key.dp.vlan[0].tci = rte_cpu_to_be_16(tci | HAL_VLAN_PRESENT);
}

void xlate_pop_vlan(struct xlate *x)
{
	hal_build_plain(&x->out, ACTION_POP_VLAN);
	tag_move(x, 0, 1);
	tag_move(x, 1, -1);
}

/* Merges into a PUSH_VLAN that is the last step: push_vlan and set_field come in pairs. */
static bool merge_into_push(struct xlate *x, uint16_t tci, uint16_t mask)
{
	struct hal_program *p = x->out.program;
	struct hal_act_vlan *last;

	if (!p || !x->push_end || p->len != x->push_end)
		return false;
	last = (struct hal_act_vlan *)(bytes(p->steps) + p->len - sizeof(*last));
	last->tci =
		rte_cpu_to_be_16((uint16_t)((rte_be_to_cpu_16(last->tci) & ~mask) | (tci & mask)));
	return true;
}

void xlate_set_vlan_bits(struct xlate *x, uint16_t tci, uint16_t mask)
{
	uint8_t v[2], m[2];

	mask &= (uint16_t)~HAL_VLAN_PRESENT;
	tci &= mask;
	v[0] = (uint8_t)(tci >> 8);
	v[1] = (uint8_t)tci;
	m[0] = (uint8_t)(mask >> 8);
	m[1] = (uint8_t)mask;
	if (!merge_into_push(x, tci, mask)) {
		if (mask == 0xe000) {
			uint8_t pcp = (uint8_t)(tci >> 13);

			xlate_emit_set(x, FIELD_VLAN_PCP, &pcp, NULL);
		} else if (mask == 0x0fff) {
			xlate_emit_set(x, FIELD_VLAN_VID, v, m);
		} else {
			xlate_emit_set(x, FIELD_VLAN_TCI, v, m);
		}
	}
	xlate_write_field(x, FIELD_VLAN_TCI, v, m);
}

/* ---- MPLS ---- */

static void lse_shift(struct xlate *x, bool push)
{
	struct xlate_key *keys[] = {&x->key, &x->known, &x->written};

	for (unsigned i = 0; i < 3; i++) {
		rte_be32_t *l = keys[i]->dp.mpls_lse;

		if (push) {
			l[2] = l[1];
			l[1] = l[0];
		} else {
			l[0] = l[1];
			l[1] = l[2];
			l[2] = 0;
		}
	}
	if (push)
		memmove(x->lse_from + 1, x->lse_from, 2);
	else
		memmove(x->lse_from, x->lse_from + 1, 2);
	x->lse_from[push ? 0 : 2] = push ? XLATE_CONSTANT : XLATE_UNPARSED;
}

static bool is_mpls(uint16_t eth_type)
{
	return eth_type == ETH_P_MPLS_UC || eth_type == ETH_P_MPLS_UC + 1;
}

/* Everything above the Ethernet header turns into payload that is not looked into (known to be
 * nothing), or comes from such payload (not known at all). */
static void forget_payload(struct xlate *x, bool known)
{
	size_t from = offsetof(struct hal_key, ip_proto);
	size_t len = offsetof(struct hal_key, mpls_lse) - from;

	memset(bytes(&x->key.dp) + from, 0, len);
	memset(bytes(&x->known.dp) + from, known ? 0xff : 0, len);
	memset(bytes(&x->written.dp) + from, known ? 0xff : 0, len);
	x->unparsed = !known;
}

/* There are none, or none that are looked at. */
static void forget_labels(struct xlate *x)
{
	memset(&x->key.dp.mpls_lse, 0, sizeof(x->key.dp.mpls_lse));
	memset(&x->known.dp.mpls_lse, 0xff, sizeof(x->known.dp.mpls_lse));
	memset(&x->written.dp.mpls_lse, 0xff, sizeof(x->written.dp.mpls_lse));
}

/* Of a packet without labels: the TTL is an IP packet's, the rest is 0 (OpenFlow 1.3.5, 5.13). */
static uint32_t first_lse(struct xlate *x)
{
	struct xlate_key need = {0};
	uint16_t type = rte_be_to_cpu_16(x->key.dp.eth_type);

	if (type != 0x0800 && type != 0x86dd)
		return LSE_BOTTOM;
	need.dp.ip_ttl = 0xff;
	hal_field_prereq_mask(FIELD_IP_TTL, &need);
	xlate_need_mask(x, &need);
	return LSE_BOTTOM | x->key.dp.ip_ttl;
}

void xlate_push_mpls(struct xlate *x, uint16_t eth_type)
{
	struct hal_act_mpls *a;
	uint32_t lse;

	xlate_need_field(x, FIELD_ETH_TYPE);
	if (is_mpls(rte_be_to_cpu_16(x->key.dp.eth_type))) {
		/* The new entry copies the outermost one, without its bottom-of-stack bit. */
		xlate_need_field(x, FIELD_MPLS_LABEL);
		xlate_need_field(x, FIELD_MPLS_TC);
		xlate_need_field(x, FIELD_MPLS_TTL);
		lse = rte_be_to_cpu_32(x->key.dp.mpls_lse[0]) & ~0x100u;
		lse_shift(x, true);
	} else {
		lse = first_lse(x);
		forget_payload(x, true);
		forget_labels(x);
	}
	x->key.dp.mpls_lse[0] = rte_cpu_to_be_32(lse);
	x->known.dp.mpls_lse[0] = x->written.dp.mpls_lse[0] = 0xffffffff;
	x->key.dp.eth_type = rte_cpu_to_be_16(eth_type);
	x->known.dp.eth_type = x->written.dp.eth_type = 0xffff;
	a = hal_builder_add(&x->out, ACTION_PUSH_MPLS, sizeof(*a));
	if (a) {
		a->eth_type = rte_cpu_to_be_16(eth_type);
		a->lse = rte_cpu_to_be_32(lse);
	}
}

void xlate_pop_mpls(struct xlate *x, uint16_t eth_type)
{
	struct hal_act_mpls *a;

	xlate_need_field(x, FIELD_ETH_TYPE);
	if (!is_mpls(rte_be_to_cpu_16(x->key.dp.eth_type)))
		return;
	xlate_need_field(x, FIELD_MPLS_BOS);
	lse_shift(x, false);
	if (!is_mpls(eth_type) || x->lse_from[0] == XLATE_UNPARSED)
		forget_payload(x, false);
	x->key.dp.eth_type = rte_cpu_to_be_16(eth_type);
	x->known.dp.eth_type = x->written.dp.eth_type = 0xffff;
	a = hal_builder_add(&x->out, ACTION_POP_MPLS, sizeof(*a));
	if (a)
		a->eth_type = rte_cpu_to_be_16(eth_type);
}

/* ---- 802.1ah ---- */

#define ETH_P_PBB 0x88e7

/* OpenFlow 1.3.5, 5.13: service id and priority are those of the outermost I-TAG and VLAN tag. */
void xlate_push_pbb(struct xlate *x, uint16_t eth_type)
{
	struct xlate_key need = {0};
	struct hal_act_pbb *a;
	uint32_t itag;

	need.dp.eth_type = 0xffff;
	need.dp.vlan[0].tci = rte_cpu_to_be_16(0xe000 | HAL_VLAN_PRESENT);
	if (x->key.dp.eth_type == rte_cpu_to_be_16(ETH_P_PBB))
		need.dp.pbb_isid = rte_cpu_to_be_32(0xffffff);
	xlate_need_mask(x, &need);
	itag = rte_be_to_cpu_32(x->key.dp.pbb_isid & need.dp.pbb_isid);
	x->key.dp.pbb_isid = rte_cpu_to_be_32(itag);
	itag |= (rte_be_to_cpu_16(x->key.dp.vlan[0].tci) & 0xe000u) << 16;
	a = hal_builder_add(&x->out, ACTION_PUSH_PBB, sizeof(*a));
	if (a) {
		a->eth_type = rte_cpu_to_be_16(eth_type);
		a->itag = rte_cpu_to_be_32(itag);
	}
	tag_move(x, 0, -1);
	tag_move(x, 1, -1);
	forget_payload(x, true);
	forget_labels(x);
	x->key.dp.pbb_uca = 0;
	x->known.dp.pbb_uca = x->written.dp.pbb_uca = 1;
	x->known.dp.pbb_isid = x->written.dp.pbb_isid = rte_cpu_to_be_32(0xffffff);
	x->key.dp.eth_type = rte_cpu_to_be_16(eth_type);
	x->known.dp.eth_type = x->written.dp.eth_type = 0xffff;
}

void xlate_pop_pbb(struct xlate *x)
{
	xlate_need_field(x, FIELD_ETH_TYPE);
	if (x->key.dp.eth_type != rte_cpu_to_be_16(ETH_P_PBB))
		return;
	hal_build_plain(&x->out, ACTION_POP_PBB);
	xlate_freeze_after(x, NULL, NULL);
}

/* ---- TTL ---- */

void xlate_copy_ttl(struct xlate *x, bool in)
{
	xlate_need_field(x, FIELD_ETH_TYPE);
	if (!is_mpls(rte_be_to_cpu_16(x->key.dp.eth_type)))
		return;
	hal_build_plain(&x->out, in ? ACTION_COPY_TTL_IN : ACTION_COPY_TTL_OUT);
	xlate_freeze_after(x, NULL, NULL);
}

static void need_ttl_bits(struct xlate *x, uint8_t bits)
{
	struct xlate_key need = {0};

	need.dp.ip_ttl = bits;
	hal_field_prereq_mask(FIELD_IP_TTL, &need);
	xlate_need_mask(x, &need);
}

bool xlate_dec_ttl(struct xlate *x)
{
	uint8_t ttl = x->key.dp.ip_ttl, top;

	if (x->written.dp.ip_ttl == 0xff) {
		uint8_t dec = (uint8_t)(ttl - 1);

		if (ttl <= 1)
			return false;
		xlate_write_field(x, FIELD_IP_TTL, &dec, NULL);
		xlate_emit_set(x, FIELD_IP_TTL, &dec, NULL);
		return true;
	}
	if (ttl <= 1) {
		need_ttl_bits(x, x->ttl_dec ? 0xff : 0xfe);
		return false;
	}
	/* The top bit alone proves that what remains is above 1. Once decremented, the bits of
	 * what remains are not the packet's, so all of them are needed. */
	top = (uint8_t)(0x80u >> (__builtin_clz(ttl) - 24));
	need_ttl_bits(x, x->ttl_dec ? 0xff : MUTATE(6, top, 0));
	hal_build_plain(&x->out, ACTION_DEC_TTL);
	x->ttl_dec++;
	x->key.dp.ip_ttl = MUTATE(7, (uint8_t)(ttl - 1), ttl);
	/* Known again only as far as the packet's whole TTL is in the mask. */
	x->known.dp.ip_ttl = x->wc.ip_ttl == 0xff ? 0xff : 0;
	return true;
}
