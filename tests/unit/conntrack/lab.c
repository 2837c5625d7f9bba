/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "hal/base/rcu.h"
#include "swpath/eal.h"

static void on_established(void *ctx, const struct hal_connection dir[2], uint64_t id)
{
	struct lab *l = ctx;

	l->established++;
	memcpy(l->dir, dir, sizeof(l->dir));
	l->id = id;
}

static void on_gone(void *ctx, uint64_t id)
{
	struct lab *l = ctx;

	(void)id;
	l->gone++;
}

void lab_open(struct lab *l, uint32_t max_conns)
{
	memset(l, 0, sizeof(*l));
	l->ct = ct_open(max_conns, &(struct ct_ops){on_established, on_gone, l});
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->ct);
	CU_ASSERT_EQUAL_FATAL(ct_frags_init(&l->frags), 0);
	l->now_ms = 1000000;
	ct_tick(l->ct, l->now_ms);
}

void lab_close(struct lab *l)
{
	ct_frags_destroy(l->frags);
	rcu_drain();
	ct_close(l->ct);
}

void lab_sleep(struct lab *l, uint64_t ms)
{
	for (uint64_t done = 0; done < ms;) {
		uint64_t step = RTE_MIN(ms - done, RTE_MAX(ms / 50, UINT64_C(50)));

		l->now_ms += step;
		done += step;
		while (ct_tick(l->ct, l->now_ms))
			;
		rcu_reclaim();
		ct_frag_expire(l->frags, l->ct, 0, l->now_ms, NULL, NULL);
	}
}

/* ---- frames ---- */

static void set_ends(struct frame *f, const struct ends *e)
{
	uint8_t *ip = f->b + f->l3;
	int family = f->v6 ? AF_INET6 : AF_INET;

	inet_pton(family, e->src, ip + (f->v6 ? 8 : 12));
	inet_pton(family, e->dst, ip + (f->v6 ? 24 : 16));
}

static void begin(struct frame *f, const struct ends *e, uint8_t proto)
{
	bool v6 = strchr(e->src, ':');

	frame_macs(f);
	frame_type(f, v6 ? 0x86dd : 0x0800);
	if (v6)
		frame_ipv6(f, proto);
	else
		frame_ipv4(f, proto, 0, 0);
	set_ends(f, e);
}

void lab_tcp(struct frame *f, const struct ends *e, uint8_t flags, uint32_t seq, uint32_t ack,
	uint16_t win, int wscale, size_t payload)
{
	uint8_t *tcp;

	begin(f, e, IPPROTO_TCP);
	frame_tcp(f, e->sport, e->dport, flags);
	tcp = f->b + f->l4;
	seq = htonl(seq);
	ack = htonl(ack);
	win = htons(win);
	memcpy(tcp + 4, &seq, sizeof(seq)); /* frames begin anywhere */
	memcpy(tcp + 8, &ack, sizeof(ack));
	memcpy(tcp + 14, &win, sizeof(win));
	if (wscale >= 0) {
		memcpy(f->b + f->len, (uint8_t[]){1, 3, 3, (uint8_t)wscale}, 4);
		f->len += 4;
		tcp[12] += 0x10;
	}
	frame_bytes(f, payload);
	frame_finish(f);
}

void lab_udp(struct frame *f, const struct ends *e, size_t payload)
{
	begin(f, e, IPPROTO_UDP);
	frame_udp(f, e->sport, e->dport);
	frame_bytes(f, payload);
	frame_finish(f);
}

void lab_echo(struct frame *f, const struct ends *e, uint16_t id, bool reply, size_t payload)
{
	uint8_t proto = strchr(e->src, ':') ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	begin(f, e, proto);
	frame_icmp(f, proto, proto == IPPROTO_ICMP ? (reply ? 0 : 8) : (reply ? 129 : 128), 0);
	*(uint16_t *)(f->b + f->l4 + 4) = htons(id);
	frame_bytes(f, payload);
	frame_finish(f);
}

void lab_error(struct frame *f, const struct ends *e, const struct frame *inner, size_t quoted)
{
	uint8_t proto = inner->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	size_t n = inner->len - inner->l3;

	begin(f, e, proto);
	frame_icmp(f, proto, inner->v6 ? 1 : 3, 1);
	if (quoted && quoted < n)
		n = quoted;
	memcpy(f->b + f->len, inner->b + inner->l3, n);
	f->len += n;
	frame_finish(f);
}

void lab_fragment(struct frame *f, const struct frame *whole, unsigned nth, size_t size)
{
	size_t from = nth * size, left = whole->len - whole->l4 - from,
	       n = left < size ? left : size;
	uint16_t more = n < left;
	size_t header = whole->l4 - whole->l3;

	*f = *whole;
	f->len = whole->l4;
	if (whole->v6) {
		frame_fragment(f, whole->proto, (uint16_t)(from | more));
		f->b[f->l3 + 6] = IPPROTO_FRAGMENT;
	} else {
		*(uint16_t *)(f->b + f->l3 + 6) = htons((uint16_t)(from / 8 | more << 13));
	}
	memcpy(f->b + f->len, whole->b + whole->l4 + from, n);
	f->len += n;
	(void)header;
	if (f->v6)
		*(uint16_t *)(f->b + f->l3 + 4) = htons((uint16_t)(f->len - f->l3 - 40));
	else
		*(uint16_t *)(f->b + f->l3 + 2) = htons((uint16_t)(f->len - f->l3));
	f->l4 = 0;
	frame_checksums(f);
}

struct rte_mbuf *lab_mbuf(const struct frame *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(swpath_eal_pool());

	memcpy(rte_pktmbuf_append(m, (uint16_t)f->len), f->b, f->len);
	return m;
}

/* ---- steps ---- */

struct hal_act_ct lab_ct(uint16_t zone, uint16_t flags)
{
	return (struct hal_act_ct){
		.a = {ACTION_CT, sizeof(struct hal_act_ct), 0}, .zone = zone, .flags = flags};
}

struct hal_act_ct lab_nat(uint16_t zone, uint16_t nat_flags, const char *min, const char *max,
	uint16_t port_min, uint16_t port_max)
{
	struct hal_act_ct act = lab_ct(zone, HAL_CT_COMMIT | HAL_CT_NAT);
	int family = min && strchr(min, ':') ? AF_INET6 : AF_INET;

	act.nat_flags = nat_flags | (family == AF_INET6 ? HAL_NAT_IPV6 : 0);
	if (min)
		inet_pton(family, min, act.nat_min);
	if (max)
		inet_pton(family, max, act.nat_max);
	act.nat_port_min = port_min;
	act.nat_port_max = port_max;
	return act;
}

static void take_out(const struct swpath_packet *p, const struct frame *shape, struct outcome *o)
{
	struct frame again;

	o->key = *p->key;
	o->out = *shape;
	o->out.len = p->m->pkt_len;
	memcpy(o->out.b, rte_pktmbuf_read(p->m, 0, p->m->pkt_len, o->out.b), o->out.len);
	again = o->out;
	frame_checksums(&again);
	o->sums_right = !memcmp(again.b, o->out.b, again.len);
}

uint32_t lab_pass_on(struct lab *l, const struct frame *f, const struct hal_act_ct *act,
	const struct hal_key *meta, struct outcome *out)
{
	struct hal_key key = *meta;
	struct swpath_packet p = {.m = lab_mbuf(f),
		.pool = swpath_eal_pool(),
		.key = &key,
		.key_stale = true,
		.layers_stale = true};
	struct outcome local;
	struct ct_look look;

	if (!out)
		out = &local;
	swpath_packet_key(&p);
	/* As packets of a burst are, every second time. */
	if (l->passes++ % 2)
		ct_fetch(l->ct, 0, &p, 1, act->zone, &look);
	out->drop = ct_process(l->ct, 0, &p, NULL, act, l->now_ms);
	swpath_packet_key(&p);
	out->state = rte_be_to_cpu_32(key.ct_state);
	take_out(&p, f, out);
	rte_pktmbuf_free(p.m);
	return out->state;
}

uint32_t lab_pass(
	struct lab *l, const struct frame *f, const struct hal_act_ct *act, struct outcome *out)
{
	static const struct hal_key nothing;

	return lab_pass_on(l, f, act, &nothing, out);
}

static const char *text(const struct hal_key *key, const void *v4, const void *v6, char *buf)
{
	bool is6 = key->eth_type == RTE_BE16(0x86dd);

	return inet_ntop(is6 ? AF_INET6 : AF_INET, is6 ? v6 : v4, buf, INET6_ADDRSTRLEN);
}

const char *lab_src(const struct outcome *o)
{
	static char buf[INET6_ADDRSTRLEN];

	return text(&o->key, &o->key.ipv4_src, o->key.ipv6_src, buf);
}

const char *lab_dst(const struct outcome *o)
{
	static char buf[INET6_ADDRSTRLEN];

	return text(&o->key, &o->key.ipv4_dst, o->key.ipv6_dst, buf);
}

struct only {
	struct conntrack_entry *e;
	unsigned n;
};

static bool count_one(void *ctx, const struct conntrack_entry *e)
{
	struct only *o = ctx;

	*o->e = *e;
	return ++o->n < 2;
}

bool lab_only(struct lab *l, int zone, struct conntrack_entry *e)
{
	struct only o = {e, 0};

	conntrack_dump(l->ct, zone, count_one, &o);
	return o.n == 1;
}

int main(void)
{
	const struct swpath_config cfg = {.dpdk_memory_mb = 64};
	char err[256];
	unsigned failed;

	if (rcu_init() || swpath_eal_start(&cfg, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	if (CU_initialize_registry())
		return 1;
	suite_bounds(); /* first, since it looks at memory */
	suite_tcp();
	suite_proto();
	suite_nat();
	suite_fragments();
	suite_threads();
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
