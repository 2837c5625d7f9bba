/* SPDX-License-Identifier: Apache-2.0
 *
 * What a connection's addresses and ports become: a reply tuple that no connection has.
 *
 * The first candidate is chosen by a hash of the connection, so that the same one comes out the
 * same way again; with `random` by chance, with `persistent` the address by the client's address
 * alone. Ports: the source keeps its own if it can (RFC 4787, 4.2.1), else one of the same class
 * (1-511, 600-1023, 1024-65535) is taken, unless a range is given. Addresses are tried one after
 * another, and for each a bounded number of ports.
 */
#include <netinet/in.h>

#include <rte_jhash.h>
#include <rte_random.h>

#include "hal/base/mem.h"
#include "swpath/ct/ct.h"

#define ADDRESS_TRIES 8
#define PORT_TRIES 128 /* from one place on, then half as many from another, down to */
#define PORT_TRIES_MIN 16

struct range {
	uint16_t first, min, max;
};

struct choice {
	struct conntrack *ct;
	struct ct_tuple *reply;
	uint64_t now_ms;
};

static bool is_free(const struct choice *ch)
{
	bool reply;

	return !ct_lookup(ch->ct, ch->reply, ct_hash(ch->ct, ch->reply), ch->now_ms, &reply);
}

static uint32_t hash_of(const struct ct_conn *c, const struct hal_act_ct *act, bool address)
{
	const struct ct_tuple *t = &c->tuple[0];
	uint32_t w[sizeof(*t) / 4];

	if (address && act->nat_flags & HAL_NAT_PERSISTENT)
		return rte_jhash(t->src, sizeof(t->src), 0);
	if (act->nat_flags & HAL_NAT_RANDOM)
		return (uint32_t)rte_rand();
	memcpy(w, t, sizeof(w));
	return rte_jhash_32b(w, RTE_DIM(w), 0);
}

static unsigned __int128 number(const uint8_t *addr, unsigned bytes)
{
	unsigned __int128 n = 0;

	for (unsigned i = 0; i < bytes; i++)
		n = n << 8 | addr[i];
	return n;
}

static void address(uint8_t out[16], unsigned __int128 n, unsigned bytes)
{
	memset(out, 0, 16);
	for (unsigned i = bytes; i--; n >>= 8)
		out[i] = (uint8_t)n;
}

/* The nth address of the range, from where the hash points. How many there are is returned, at most
 * 2^32 - 1; 1 if no address is given: it is left as it is. */
static uint32_t nth_address(
	const struct hal_act_ct *act, uint32_t hash, uint32_t nth, uint8_t addr[16])
{
	unsigned bytes = act->nat_flags & HAL_NAT_IPV6 ? 16 : 4;
	unsigned __int128 min = number(act->nat_min, bytes), max = number(act->nat_max, bytes);
	unsigned __int128 span;

	if (mem_is_zero(act->nat_min, 16))
		return 1;
	span = max > min ? max - min + 1 : 1;
	if (!span || span > UINT32_MAX)
		span = UINT32_MAX;
	address(addr, min + (hash + (uint64_t)nth) % span, bytes);
	return (uint32_t)span;
}

static bool find_port(const struct choice *ch, rte_be16_t *port, const struct range *range)
{
	uint32_t span = (uint32_t)range->max - range->min + 1, tries = RTE_MIN(span, PORT_TRIES);
	uint32_t at = range->first;
	rte_be16_t was = *port;

	for (;;) {
		for (uint32_t i = 0; i < tries; i++) {
			*port = rte_cpu_to_be_16((uint16_t)at);
			if (is_free(ch))
				return true;
			at = at >= range->max || at < range->min ? range->min : at + 1;
		}
		if (tries >= span || tries / 2 < PORT_TRIES_MIN)
			break;
		tries /= 2;
		at = range->min + (uint32_t)rte_rand() % span;
	}
	*port = was;
	return false;
}

/* The ports that a source may have instead of its own. */
static struct range source_range(rte_be16_t port)
{
	uint16_t own = rte_be_to_cpu_16(port);

	if (own < 512)
		return (struct range){own, 1, 511};
	if (own < 1024)
		return (struct range){own, 600, 1023};
	return (struct range){own, 1024, UINT16_MAX};
}

/* The reply tuple has its addresses; its ports are those of the original direction. */
static bool choose_ports(const struct choice *ch, const struct ct_conn *c,
	const struct hal_act_ct *act, uint32_t hash)
{
	bool given = act->nat_port_min;
	struct range source = source_range(c->tuple[0].src_port), asked = {0, 0, 0};

	if (c->tuple[0].proto != IPPROTO_TCP && c->tuple[0].proto != IPPROTO_UDP)
		return is_free(ch);
	if (given) {
		asked.min = act->nat_port_min;
		asked.max = RTE_MAX(act->nat_port_max, act->nat_port_min);
		asked.first = (uint16_t)(asked.min + hash % ((uint32_t)asked.max - asked.min + 1));
	}
	if (act->nat_flags & HAL_NAT_DST) {
		if (given && find_port(ch, &ch->reply->src_port, &asked))
			return true;
		if (given)
			ch->reply->src_port = rte_cpu_to_be_16(asked.first);
		return find_port(ch, &ch->reply->dst_port, &source);
	}
	return find_port(ch, &ch->reply->dst_port, given ? &asked : &source);
}

bool ct_nat_choose(
	struct conntrack *ct, struct ct_conn *c, const struct hal_act_ct *act, uint64_t now_ms)
{
	uint32_t by_address = hash_of(c, act, true), by_all = hash_of(c, act, false), n = 1;
	struct choice ch = {ct, &c->tuple[1], now_ms};

	ct_tuple_reverse(&c->tuple[0], &c->tuple[1]);
	c->nat = act->nat_flags & (HAL_NAT_SRC | HAL_NAT_DST);
	if (!c->nat)
		return true;
	if (!mem_is_zero(act->nat_min, 16) && !(act->nat_flags & HAL_NAT_IPV6) != !c->tuple[0].ipv6)
		return false;
	for (uint32_t i = 0; i < RTE_MIN(n, (uint32_t)ADDRESS_TRIES); i++) {
		ct_tuple_reverse(&c->tuple[0], &c->tuple[1]);
		n = nth_address(act, by_address, i,
			c->nat & HAL_NAT_SRC ? c->tuple[1].dst : c->tuple[1].src);
		if (choose_ports(&ch, c, act, by_all))
			return true;
	}
	return false;
}
