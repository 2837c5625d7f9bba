/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP packet sequences, each packet with the ct_state and connection states that are expected:
 * tcp_sequences.txt (make_sequences.py says how to read it).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

#define SEQUENCES_MIN 200
#define ISN_ORIG 1000000u
#define ISN_REPLY 3000000000u

static const struct ends orig = {"10.0.0.1", "10.0.0.2", 40000, 80};
static const struct ends reply = {"10.0.0.2", "10.0.0.1", 80, 40000};

struct packet {
	bool reply;
	uint8_t flags;
	uint32_t seq, ack, win;
	size_t len;
	int wscale;
	uint32_t state; /* expected */
	char states[64];
};

static uint8_t flags_of(const char *s)
{
	static const char letters[] = "FSRPAU";
	uint8_t flags = 0;

	for (; *s && *s != '-'; s++)
		flags |= (uint8_t)(1u << (strchr(letters, *s) - letters));
	return flags;
}

static uint32_t state_of(char *s)
{
	static const char *const names[] = {
		"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"};
	uint32_t state = 0;

	for (char *save, *w = strtok_r(s, "|", &save); w; w = strtok_r(NULL, "|", &save))
		for (unsigned i = 0; i < RTE_DIM(names); i++)
			if (!strcmp(w, names[i]))
				state |= 1u << i;
	return state;
}

/* "  > SA seq=1 ack=2 : est|trk SYN_SENT/CLOSED" */
static bool parse(char *line, struct packet *p)
{
	char *save, *word, *expected = strstr(line, " : "), state[64] = "";
	bool reset;

	memset(p, 0, sizeof(*p));
	p->wscale = -1;
	if (!expected || sscanf(expected, " : %63s %63s", state, p->states) != 2)
		return false;
	*expected = '\0';
	p->state = state_of(state);
	word = strtok_r(line, " ", &save);
	p->reply = *word == '<';
	word = strtok_r(NULL, " ", &save);
	p->flags = flags_of(word);
	while ((word = strtok_r(NULL, " ", &save))) {
		char *value = strchr(word, '=');
		long long n = value ? strtoll(value + 1, NULL, 10) : 0;

		if (!strncmp(word, "seq=", 4))
			p->seq = (uint32_t)n;
		else if (!strncmp(word, "ack=", 4))
			p->ack = (uint32_t)n;
		else if (!strncmp(word, "len=", 4))
			p->len = (size_t)n;
		else if (!strncmp(word, "win=", 4))
			p->win = (uint32_t)n;
		else if (!strncmp(word, "ws=", 3))
			p->wscale = (int)n;
		else
			return false;
	}
	p->seq += p->reply ? ISN_REPLY : ISN_ORIG;
	reset = p->flags & 4 && !p->ack;
	p->ack = p->flags & 16 && !reset ? p->ack + (p->reply ? ISN_ORIG : ISN_REPLY) : 0;
	return true;
}

static void states_now(struct lab *l, char *buf, size_t n)
{
	struct conntrack_entry e;

	if (!lab_only(l, -1, &e))
		snprintf(buf, n, "-");
	else
		snprintf(buf, n, "%s/%s", conntrack_tcp_state_name(e.tcp[0].state),
			conntrack_tcp_state_name(e.tcp[1].state));
}

static bool check(struct lab *l, const struct packet *p, const char *name, unsigned nth)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct frame f;
	char states[64];
	uint32_t got;

	lab_tcp(&f, p->reply ? &reply : &orig, p->flags, p->seq, p->ack, (uint16_t)p->win,
		p->wscale, p->len);
	got = lab_pass(l, &f, &act, NULL);
	states_now(l, states, sizeof(states));
	if (got == p->state && !strcmp(states, p->states))
		return true;
	fprintf(stderr, "%s, packet %u: ct_state 0x%x %s, expected 0x%x %s\n", name, nth, got,
		states, p->state, p->states);
	return false;
}

static void test_sequences(void)
{
	FILE *f = fopen(TCP_SEQUENCES, "r");
	unsigned sequences = 0, nth = 0, wrong = 0;
	char line[512], name[128] = "";
	struct lab l;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	lab_open(&l, 1000);
	while (fgets(line, sizeof(line), f)) {
		struct packet p;

		line[strcspn(line, "\n")] = '\0';
		if (*line != ' ') {
			snprintf(name, sizeof(name), "%s", line);
			conntrack_flush(l.ct, NULL);
			sequences++;
			nth = 0;
			continue;
		}
		CU_ASSERT_FATAL(parse(line, &p));
		wrong += !check(&l, &p, name, ++nth);
	}
	fclose(f);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(sequences >= SEQUENCES_MIN);
	lab_close(&l);
}

/* Over IPv6 the same, for one connection; and who is told of it. */
static void test_ipv6(void)
{
	static const struct ends a = {"2001:db8::1", "2001:db8::2", 1000, 80},
				 b = {"2001:db8::2", "2001:db8::1", 80, 1000};
	const struct hal_act_ct act = lab_ct(7, HAL_CT_COMMIT);
	struct conntrack_entry e;
	struct lab l;
	struct frame f;

	lab_open(&l, 1000);
	lab_tcp(&f, &a, 2, 100, 0, 1000, -1, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), NEW);
	lab_tcp(&f, &b, 0x12, 500, 101, 1000, -1, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), RPL);
	CU_ASSERT_EQUAL(l.established, 0);
	lab_tcp(&f, &a, 0x10, 101, 501, 1000, -1, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
	CU_ASSERT_EQUAL(l.established, 0); /* a device would not look at windows */
	conntrack_set_tcp_seq_check(l.ct, false);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
	CU_ASSERT_EQUAL(l.established, 1);
	CU_ASSERT_EQUAL(l.dir[0].ct_state, EST);
	CU_ASSERT_EQUAL(l.dir[1].ct_state, RPL);
	CU_ASSERT_EQUAL(l.dir[1].zone, 7);
	CU_ASSERT_EQUAL(l.dir[1].tp_src, htons(80));
	CU_ASSERT_FATAL(lab_only(&l, 7, &e));
	CU_ASSERT(e.ipv6);
	CU_ASSERT_FALSE(lab_only(&l, 8, &e));
	lab_tcp(&f, &a, 0x11, 101, 501, 1000, -1, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
	CU_ASSERT_EQUAL(l.gone, 1);
	CU_ASSERT_EQUAL(conntrack_flush(l.ct, NULL), 1);
	CU_ASSERT_EQUAL(l.gone, 1);
	CU_ASSERT_FALSE(lab_only(&l, 7, &e));
	lab_close(&l);
}

/* A device carried 3 GB in between: its connection neither times out nor becomes invalid. */
static void test_device(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct conntrack_entry e;
	struct lab l;
	struct frame f;

	lab_open(&l, 1000);
	conntrack_set_tcp_seq_check(l.ct, false);
	lab_tcp(&f, &orig, 2, 100, 0, 1000, -1, 0);
	lab_pass(&l, &f, &act, NULL);
	lab_tcp(&f, &reply, 0x12, 500, 101, 1000, -1, 0);
	lab_pass(&l, &f, &act, NULL);
	lab_tcp(&f, &orig, 0x10, 101, 501, 1000, -1, 0);
	lab_pass(&l, &f, &act, NULL);
	CU_ASSERT_EQUAL(l.established, 1);
	for (unsigned hour = 0; hour < 30; hour++) {
		lab_sleep(&l, 3600000);
		ct_touch(l.ct, l.id);
		ct_touch(l.ct, l.id + 1); /* nobody's */
	}
	CU_ASSERT(lab_only(&l, -1, &e));
	lab_tcp(&f, &orig, 0x11, 3000000101u, 501, 1000, -1, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
	lab_tcp(&f, &reply, 0x11, 501, 3000000102u, 1000, -1, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), RPL);
	lab_sleep(&l, 60000);
	CU_ASSERT_FALSE(lab_only(&l, -1, &e));
	CU_ASSERT_EQUAL(l.gone, 1);
	lab_close(&l);
}

static void test_no_check(void)
{
	const struct hal_act_ct act = lab_ct(1, HAL_CT_COMMIT);
	struct lab l;
	struct frame f;

	lab_open(&l, 1000);
	lab_tcp(&f, &orig, 2, 100, 0, 1000, -1, 0);
	lab_pass(&l, &f, &act, NULL);
	lab_tcp(&f, &reply, 0x12, 500, 101, 1000, -1, 0);
	lab_pass(&l, &f, &act, NULL);
	lab_tcp(&f, &orig, 0x10, 900101, 501, 1000, -1, 0);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST); /* without data: no sequence number */
	lab_tcp(&f, &orig, 0x18, 900101, 501, 1000, -1, 10);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), INV);
	CU_ASSERT_EQUAL(conntrack_count(l.ct, CONNTRACK_N_BAD_WINDOW), 1);
	conntrack_set_tcp_seq_check(l.ct, false);
	CU_ASSERT_EQUAL(lab_pass(&l, &f, &act, NULL), EST);
	lab_close(&l);
}

void suite_tcp(void)
{
	CU_pSuite s = CU_add_suite("tcp", NULL, NULL);

	CU_add_test(s, "sequences", test_sequences);
	CU_add_test(s, "IPv6, and who is told", test_ipv6);
	CU_add_test(s, "carried by a device", test_device);
	CU_add_test(s, "without sequence checks", test_no_check);
}
