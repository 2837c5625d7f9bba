/* SPDX-License-Identifier: Apache-2.0
 *
 * TUNNEL_PUSH and TUNNEL_POP as steps: the headers lie in steps of their own before the one that
 * puts them before the packet, and the first step of all says which packets can go that way.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>

#include "drivers/ebpf/code.h"
#include "hal/mutation.h"
#include "hal/object.h"

#define LEAST \
	(RTE_ETHER_HDR_LEN + 20u + 8u + 8u) /* bytes of headers: Ethernet, IPv4, UDP, tunnel */
#define TAG 4u

_Static_assert((int)EBPF_VXLAN == (int)HAL_TUNNEL_VXLAN &&
		       (int)EBPF_GENEVE == (int)HAL_TUNNEL_GENEVE &&
		       EBPF_INHERIT_TOS == HAL_TUNNEL_INHERIT_TOS &&
		       EBPF_INHERIT_TTL == HAL_TUNNEL_INHERIT_TTL && EBPF_GBP == HAL_TUNNEL_GBP,
	"steps say it in the HAL's words");
_Static_assert(sizeof(struct ebpf_step) - offsetof(struct ebpf_step, arg) == EBPF_DATA &&
		       EBPF_HEADER_MAX % EBPF_DATA != 0 && EBPF_HEADER_MAX >= LEAST,
	"headers lie in whole steps");

static int refuse(struct hal_reason *r, const struct hal_action *a, const char *why)
{
	return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, a->type, "%s", why);
}

static struct ebpf_step *add(struct ebpf_code *code, uint8_t op, struct hal_reason *r)
{
	struct ebpf_step *s = &code->step[code->n];

	if (code->n == EBPF_STEPS) {
		hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_TUNNEL_PUSH,
			"a rule has at most %u steps here", EBPF_STEPS);
		return NULL;
	}
	code->n++;
	*s = (struct ebpf_step){.op = op};
	return s;
}

/* ---- what packets have to be like ---- */

/* Behind an IPv4 header of one's own a packet is not what the match says of it. */
static bool is_for_any(enum hal_field_id id)
{
	switch (id) {
	case FIELD_PKT_MARK:
	case FIELD_ETH_DST:
	case FIELD_ETH_SRC:
	case FIELD_VLAN_TCI:
	case FIELD_VLAN_VID:
	case FIELD_VLAN_PCP:
		return true;
	default:
		return false;
	}
}

static int check_after(const struct hal_action *a, struct hal_reason *r)
{
	if (a->type == ACTION_TUNNEL_PUSH)
		return refuse(r, a, "a packet goes into one tunnel at most here");
	if (a->type == ACTION_METER)
		return refuse(r, a, "a meter does not see what is in a tunnel's super-frame");
	if (a->type == ACTION_SET && !is_for_any(((const struct hal_act_set *)a)->field))
		return hal_refuse_field(r, HAL_REASON_UNSUPPORTED_COMBINATION,
			((const struct hal_act_set *)a)->field,
			"it is not written into a tunnel's headers");
	return 0;
}

int ebpf_encap_begin(
	const struct hal_program *program, struct ebpf_code *code, struct hal_reason *r)
{
	const struct hal_act_tunnel_push *push = NULL;
	unsigned tags = 0;
	struct ebpf_step *s;

	ACTION_FOR_EACH (a, program) {
		int err = push ? check_after(a, r) : 0;

		if (err)
			return err;
		if (a->type == ACTION_TUNNEL_PUSH)
			push = (const struct hal_act_tunnel_push *)a;
		tags += !push && a->type == ACTION_PUSH_VLAN;
	}
	if (!push)
		return 0;
	if (tags > 1)
		return refuse(r, &push->a, "a packet in a tunnel has one tag at most here");
	s = add(code, EBPF_FITS, r);
	if (!s)
		return -EOPNOTSUPP;
	s->arg = 1 - tags;
	s->arg2 = push->header_len + TAG * (1 + tags) - RTE_ETHER_HDR_LEN;
	return 0;
}

/* ---- the steps ---- */

static bool is_ipv4_udp(const struct hal_act_tunnel_push *push)
{
	const uint8_t *h = push->header;

	return push->header_len >= LEAST && h[12] == 0x08 && !h[13] && h[14] == 0x45 &&
	       h[23] == IPPROTO_UDP;
}

static int check_push(const struct hal_act_tunnel_push *push, struct hal_reason *r)
{
	if (!push->header_len)
		return hal_refuse_action(r, HAL_REASON_DEPENDS, ACTION_TUNNEL_PUSH,
			"the link-layer address of the next hop is not known yet");
	if (push->flags & MUTATE(665, HAL_TUNNEL_CSUM, 0) || !is_ipv4_udp(push))
		return refuse(r, &push->a,
			"no checksum over a whole packet is reckoned here, as its outer UDP header "
			"would have over IPv6, or was asked to have");
	if (push->header_len > EBPF_HEADER_MAX)
		return hal_refuse_action(r, HAL_REASON_UNSUPPORTED_COMBINATION, ACTION_TUNNEL_PUSH,
			"%u bytes of headers with options are more than %u", push->header_len,
			EBPF_HEADER_MAX);
	if (push->flags & ~(HAL_TUNNEL_CSUM | HAL_TUNNEL_INHERIT_TOS | HAL_TUNNEL_INHERIT_TTL))
		return refuse(r, &push->a, "it asks for something unknown");
	return 0;
}

static int find_end(const struct hal_action *a, uint32_t port, const struct ebpf_ports *ports,
	uint32_t *name, struct hal_reason *r)
{
	*name = ports->ifindex(ports->ctx, port);
	if (*name & EBPF_TUNNEL)
		return 0;
	return hal_refuse_action(
		r, HAL_REASON_DEPENDS, a->type, "there is no end of tunnels %u", port);
}

static int encode_push(const struct hal_act_tunnel_push *push, const struct ebpf_ports *ports,
	struct ebpf_code *code, struct hal_reason *r)
{
	struct ebpf_step *s;
	uint32_t name;
	int err = check_push(push, r);

	if (!err)
		err = find_end(&push->a, push->port, ports, &name, r);
	if (err)
		return err;
	for (unsigned at = 0; at < push->header_len; at += EBPF_DATA) {
		const unsigned left = push->header_len - at;

		s = add(code, EBPF_HEADER, r);
		if (!s)
			return -EOPNOTSUPP;
		s->at = (uint8_t)(at / EBPF_DATA);
		memcpy(&s->arg, push->header + at, left < EBPF_DATA ? left : EBPF_DATA);
	}
	s = add(code, EBPF_ENCAPSULATE, r);
	if (!s)
		return -EOPNOTSUPP;
	s->arg = name;
	s->at = push->type;
	s->field = push->flags;
	s->size = (uint8_t)push->header_len;
	return 0;
}

static int encode_pop(const struct hal_program *program, const struct hal_act_tunnel_pop *pop,
	const struct ebpf_ports *ports, struct ebpf_code *code, struct hal_reason *r)
{
	struct ebpf_step *s;
	uint32_t name;
	int err = find_end(&pop->a, pop->port, ports, &name, r);

	if (err)
		return err;
	if (pop->a.len != program->len)
		return refuse(r, &pop->a,
			"a packet that no rule takes behind it is handed up as it came, so that it "
			"has to be all that is done");
	s = add(code, EBPF_DECAPSULATE, r);
	s->arg = name;
	s->at = pop->type;
	s->field = pop->flags;
	return 0;
}

int ebpf_encap_encode(const struct hal_program *program, const struct hal_action *a,
	const struct ebpf_ports *ports, struct ebpf_code *code, struct hal_reason *r)
{
	if (a->type == ACTION_TUNNEL_POP)
		return encode_pop(program, (const struct hal_act_tunnel_pop *)a, ports, code, r);
	return encode_push((const struct hal_act_tunnel_push *)a, ports, code, r);
}

/* ---- and back ---- */

static int decode_push(struct hal_builder *b, const struct ebpf_ports *ports,
	const struct ebpf_code *code, unsigned i)
{
	const struct ebpf_step *s = &code->step[i];
	struct hal_act_tunnel_push *push;
	const unsigned first = i;

	while (i < code->n && code->step[i].op == EBPF_HEADER)
		i++;
	if (i == code->n || code->step[i].op != EBPF_ENCAPSULATE ||
		code->step[i].size > (i - first) * EBPF_DATA ||
		ports->port(ports->ctx, code->step[i].arg) == HAL_PORT_NONE)
		return -EINVAL;
	push = hal_builder_add(b, ACTION_TUNNEL_PUSH, sizeof(*push) + code->step[i].size);
	if (!push)
		return (int)(i - first) + 1; /* the builder says so */
	push->port = ports->port(ports->ctx, code->step[i].arg);
	push->type = code->step[i].at;
	push->flags = code->step[i].field;
	push->header_len = code->step[i].size;
	for (unsigned at = 0; at < push->header_len; at += EBPF_DATA, s++) {
		const unsigned left = push->header_len - at;

		memcpy(push->header + at, &s->arg, left < EBPF_DATA ? left : EBPF_DATA);
	}
	return (int)(i - first) + 1;
}

static int decode_pop(
	struct hal_builder *b, const struct ebpf_ports *ports, const struct ebpf_step *s)
{
	const uint32_t port = ports->port(ports->ctx, s->arg);
	struct hal_act_tunnel_pop *pop;

	if (port == HAL_PORT_NONE)
		return -EINVAL;
	pop = hal_builder_add(b, ACTION_TUNNEL_POP, sizeof(*pop));
	if (!pop)
		return 1;
	pop->port = port;
	pop->type = s->at;
	pop->flags = s->field;
	return 1;
}

int ebpf_encap_decode(struct hal_builder *b, const struct ebpf_ports *ports,
	const struct ebpf_code *code, unsigned i)
{
	switch (code->step[i].op) {
	case EBPF_FITS: /* follows from the others */
		return 1;
	case EBPF_HEADER:
		return decode_push(b, ports, code, i);
	case EBPF_DECAPSULATE:
		return decode_pop(b, ports, &code->step[i]);
	default:
		return -EINVAL;
	}
}

bool ebpf_encap_is_in(const struct ebpf_code *code)
{
	return code->n && (code->step[0].op == EBPF_FITS || code->step[0].op == EBPF_DECAPSULATE);
}
