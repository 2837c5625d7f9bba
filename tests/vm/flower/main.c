/* SPDX-License-Identifier: Apache-2.0
 *
 * In the guest: does a filter of the kernel's take exactly the packets that its match covers?
 *
 *   flower-match OUT IN MATCHES SEED
 *
 * Frames are sent by the netdev OUT and arrive at IN, where a rule of the TC driver's for one
 * random match after another stands. What it took, by the kernel's count, has to be what our own
 * parser and the match say. Half of the frames are altered at random.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>

#include "filter.h"
#include "swpath/parse.h"
#include "tests/unit/swpath/frames.h"
#include "tests/unit/tc/test_tc.h"

#define FRAMES 30
#define MAX_SHOWN 5

struct run {
	struct filter filter;
	int fd;
	unsigned refused, divergent, leaked, taken, passed;
};

static struct swpath_layers key_of(const struct frame *f, struct hal_key *key)
{
	struct swpath_layers ly;

	memset(key, 0, sizeof(*key));
	key->in_port = rte_cpu_to_be_32(FILTER_PORT);
	swpath_parse_frame(f->b, (uint32_t)f->len, (uint32_t)f->len, key, &ly);
	return ly;
}

/* A packet that is shorter than it says has no headers for us; the kernel reads them. */
static bool contradicts_itself(const struct frame *f)
{
	struct hal_key key;
	const struct swpath_layers ly = key_of(f, &key);

	switch (rte_be_to_cpu_16(key.eth_type)) {
	case ETH_P_8021Q: /* a tag that is cut off */
	case ETH_P_8021AD:
		return true;
	case ETH_P_IP:
		if (ly.kind == SWPATH_L3_NONE)
			return true;
		break;
	case ETH_P_IPV6: /* also when an extension header is cut off */
		if (ly.kind == SWPATH_L3_NONE || key.ip_ttl != f->b[ly.l3 + 7])
			return true;
		break;
	case ETH_P_ARP:
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		return ly.kind == SWPATH_L3_NONE;
	default:
		return false;
	}
	switch (key.ip_proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return !ly.l4 && !(key.ip_frag & HAL_FRAG_LATER);
	default:
		return false;
	}
}

/* Kinds that frame_make() has not: fragments, options, extension headers. */
static void rare_frame(struct frame *f)
{
	const uint16_t frag = test_rand() % 2 ? 0x2000 : 0x00b9;

	memset(f, 0, sizeof(*f));
	frame_macs(f);
	if (test_rand() % 2)
		frame_tag(f, 0x8100, (uint16_t)(test_rand() & 0xefff));
	if (test_rand() % 2) {
		frame_type(f, ETH_P_IP);
		frame_ipv4(f, IPPROTO_UDP, test_rand() % 2 ? frag : 0, test_rand() % 3);
	} else {
		frame_type(f, ETH_P_IPV6);
		switch (test_rand() % 3) {
		case 0:
			frame_ipv6(f, IPPROTO_HOPOPTS);
			frame_exthdr(f, IPPROTO_UDP, 0);
			break;
		case 1:
			frame_ipv6(f, IPPROTO_FRAGMENT);
			frame_fragment(f, IPPROTO_UDP, test_rand() % 2 ? 1 : 0x0101);
			break;
		default:
			frame_ipv6(f, IPPROTO_AH);
			frame_ah(f, IPPROTO_UDP);
			break;
		}
	}
	frame_udp(f, 1000, 53);
	frame_bytes(f, test_rand() % 40);
	frame_finish(f);
}

static void random_frame(struct frame *f)
{
	if (test_rand() % 4 == 0)
		rare_frame(f);
	else
		frame_make(f, test_rand() % FRAME_KINDS, test_rand() % 3, test_rand() % 40);
}

/* A byte or two of the headers, or the end. */
static void alter(struct frame *f)
{
	const struct frame before = *f;

	for (unsigned n = 1 + test_rand() % 2; n; n--)
		f->b[test_rand() % (f->len < 80 ? f->len : 80)] = (uint8_t)test_rand();
	if (test_rand() % 8 == 0)
		f->len = ETH_HLEN + test_rand() % (f->len - ETH_HLEN + 1);
	if (contradicts_itself(f))
		*f = before;
}

static bool send_frame(struct run *r, const struct frame *f)
{
	return send(r->fd, f->b, f->len, 0) == (ssize_t)f->len;
}

static uint64_t count(struct run *r)
{
	uint64_t packets;

	return filter_packets(&r->filter, &packets) ? UINT64_MAX : packets;
}

static void show(const char *what, const struct hal_match *m, const struct frame *f)
{
	char text[1024];

	hal_match_format(&m->value.dp, &m->mask.dp, true, text, sizeof(text));
	printf("DIVERGENCE %s: %s\n  frame ", what, text);
	for (size_t i = 0; f && i < f->len && i < 100; i++)
		printf("%02x", f->b[i]);
	printf("\n");
}

/* One by one: which frame is it? One that is not taken goes to software, and is well there. */
static void blame(struct run *r, const struct hal_match *m, const struct frame *frames)
{
	struct hal_cmatch *cm = hal_cmatch_new(m);

	for (unsigned i = 0; i < FRAMES; i++) {
		uint64_t before = count(r);
		struct hal_key key;
		bool covers;

		key_of(&frames[i], &key);
		covers = hal_cmatch_covers(cm, &key);
		send_frame(r, &frames[i]);
		if (count(r) - before == covers)
			continue;
		if (covers)
			r->leaked++;
		else if (r->divergent++ < MAX_SHOWN)
			show("taken", m, &frames[i]);
	}
	free(cm);
}

static void try_frames(struct run *r, const struct hal_match *m, const struct frame *frames)
{
	struct hal_cmatch *cm = hal_cmatch_new(m);
	uint64_t want = 0, got;

	for (unsigned i = 0; i < FRAMES; i++) {
		struct hal_key key;

		key_of(&frames[i], &key);
		want += send_frame(r, &frames[i]) && hal_cmatch_covers(cm, &key);
	}
	got = count(r);
	r->taken += (unsigned)want;
	r->passed += FRAMES - (unsigned)want;
	if (got != want)
		blame(r, m, frames);
	free(cm);
}

static void check_reading(struct run *r, const struct hal_match *m)
{
	struct hal_match is = {0};

	if (filter_match(&r->filter, &is) || memcmp(m, &is, sizeof(is)) != 0) {
		r->divergent++;
		show("read back otherwise", m, NULL);
		show("as", &is, NULL);
	}
}

static void one_match(struct run *r)
{
	static struct frame frames[FRAMES];
	struct hal_match m;
	struct hal_reason reason;
	struct hal_key key;
	int err;

	random_frame(&frames[0]);
	if (test_rand() % 4 == 0)
		alter(&frames[0]);
	key_of(&frames[0], &key);
	random_match_of(&key, &m);
	for (unsigned i = 1; i < FRAMES; i++) {
		if (test_rand() % 3)
			frames[i] = frames[0];
		else
			random_frame(&frames[i]);
		if (test_rand() % 2)
			alter(&frames[i]);
	}
	err = filter_add(&r->filter, &m, &reason);
	if (err == 1) {
		r->refused++;
		return;
	}
	if (err) {
		printf("the kernel does not take it: %s\n", reason.text);
		show("not added", &m, NULL);
		r->divergent++;
		return;
	}
	check_reading(r, &m);
	try_frames(r, &m, frames);
	if (filter_del(&r->filter, &reason)) {
		printf("the rule is not deleted: %s\n", reason.text);
		r->divergent++;
	}
}

int main(int argc, char **argv)
{
	struct run r = {0};
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	struct hal_reason reason;
	unsigned n;

	if (argc != 5)
		return 2;
	hal_reason_clear(&reason);
	if (filter_open(&r.filter, argv[2], &reason)) {
		fprintf(stderr, "%s: %s\n", argv[2], reason.text);
		return 2;
	}
	n = (unsigned)atoi(argv[3]);
	test_rand_seed((uint64_t)atoll(argv[4]));
	r.fd = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	to.sll_protocol = htons(ETH_P_IP);
	if (r.fd < 0 || bind(r.fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 2;
	for (unsigned i = 0; i < n; i++)
		one_match(&r);
	printf("%u matches, %u refused, %u packets taken, %u not taken, %u leaked, %u divergent\n",
		n, r.refused, r.taken, r.passed, r.leaked, r.divergent);
	return r.divergent ? 1 : 0;
}
