/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/bridge/ct_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	uint8_t proto;
	const char *name;
} protos[] = {
	{IPPROTO_ICMP, "icmp"},
	{IPPROTO_ICMPV6, "icmpv6"},
	{IPPROTO_TCP, "tcp"},
	{IPPROTO_UDP, "udp"},
	{IPPROTO_SCTP, "sctp"},
	{IPPROTO_UDPLITE, "udplite"},
	{IPPROTO_DCCP, "dccp"},
	{IPPROTO_IGMP, "igmp"},
};

const char *ct_text_proto(uint8_t proto)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	return NULL;
}

enum conntrack_tcp_state ct_text_tcp_state(const struct conntrack_entry *e)
{
	enum conntrack_tcp_state state =
		e->tcp[0].state > e->tcp[1].state ? e->tcp[0].state : e->tcp[1].state;

	/* As the kernel's connection tracking would call it. */
	if (state == CONNTRACK_TCP_FIN_WAIT_2)
		return CONNTRACK_TCP_TIME_WAIT;
	return state == CONNTRACK_TCP_SYN_RECV ? CONNTRACK_TCP_ESTABLISHED : state;
}

static bool is_icmp(const struct conntrack_entry *e)
{
	return e->proto == IPPROTO_ICMP || e->proto == IPPROTO_ICMPV6;
}

static const char *address(const struct conntrack_entry *e, const uint8_t *addr, char *buf)
{
	return inet_ntop(e->ipv6 ? AF_INET6 : AF_INET, addr, buf, INET6_ADDRSTRLEN);
}

static void put_tuple(
	FILE *f, const struct conntrack_entry *e, const struct conntrack_tuple *t, const char *name)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	fprintf(f, ",%s=(src=%s,dst=%s", name, address(e, t->src, src), address(e, t->dst, dst));
	if (is_icmp(e))
		fprintf(f, ",id=%u,type=%u,code=%u)", ntohs(t->id), t->type, t->code);
	else
		fprintf(f, ",sport=%u,dport=%u)", ntohs(t->src_port), ntohs(t->dst_port));
}

static void label_text(const uint8_t label[16], char buf[40])
{
	unsigned i = 0, n = 0;

	while (i < 15 && !label[i])
		i++;
	n = (unsigned)snprintf(buf, 40, "0x%x", label[i]);
	for (i++; i < 16; i++)
		n += (unsigned)snprintf(buf + n, 40 - n, "%02x", label[i]);
}

static bool has_label(const struct conntrack_entry *e)
{
	static const uint8_t none[16];

	return memcmp(e->label, none, sizeof(none)) != 0;
}

static void put_flags(FILE *f, const struct conntrack_entry *e, unsigned dir, const char *name)
{
	fprintf(f, ",%s=%s%s%s", name, e->tcp[dir].has_wscale ? "WINDOW_SCALE" : "",
		e->tcp[dir].has_wscale && e->tcp[dir].liberal ? "|" : "",
		e->tcp[dir].liberal ? "BE_LIBERAL" : "");
	if (!e->tcp[dir].has_wscale && !e->tcp[dir].liberal)
		fputc('0', f);
}

static void put_tcp(FILE *f, const struct conntrack_entry *e, bool more)
{
	if (!more) {
		fprintf(f, ",protoinfo=(state=%s)", conntrack_tcp_state_name(ct_text_tcp_state(e)));
		return;
	}
	fprintf(f, ",protoinfo=(state_orig=%s,state_reply=%s",
		conntrack_tcp_state_name(e->tcp[0].state),
		conntrack_tcp_state_name(e->tcp[1].state));
	if (e->tcp[0].wscale || e->tcp[1].wscale)
		fprintf(f, ",wscale_orig=%u,wscale_reply=%u", e->tcp[0].wscale, e->tcp[1].wscale);
	put_flags(f, e, 0, "flags_orig");
	put_flags(f, e, 1, "flags_reply");
	fputc(')', f);
}

void ct_text_entry(FILE *f, const struct conntrack_entry *e, bool more, bool timeout)
{
	const char *proto = ct_text_proto(e->proto);
	char label[40];

	if (proto)
		fputs(proto, f);
	else
		fprintf(f, "%u", e->proto);
	put_tuple(f, e, &e->orig, "orig");
	put_tuple(f, e, &e->reply, "reply");
	if (more)
		fprintf(f, ",id=%u", (unsigned)e->id);
	if (e->zone)
		fprintf(f, ",zone=%u", e->zone);
	if (more)
		fputs(",status=0", f);
	if (timeout)
		fprintf(f, ",timeout=%u", e->timeout_ms / 1000);
	if (e->mark)
		fprintf(f, ",mark=%u", e->mark);
	if (has_label(e)) {
		label_text(e->label, label);
		fprintf(f, ",labels=%s", label);
	}
	if (e->proto == IPPROTO_TCP)
		put_tcp(f, e, more);
	fputc('\n', f);
}

static json_t *tuple_json(const struct conntrack_entry *e, const struct conntrack_tuple *t)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	if (is_icmp(e))
		return json_pack("{s:s, s:s, s:i, s:i, s:i}", "src", address(e, t->src, src), "dst",
			address(e, t->dst, dst), "id", ntohs(t->id), "type", t->type, "code",
			t->code);
	return json_pack("{s:s, s:s, s:i, s:i}", "src", address(e, t->src, src), "dst",
		address(e, t->dst, dst), "sport", ntohs(t->src_port), "dport", ntohs(t->dst_port));
}

json_t *ct_text_json(const struct conntrack_entry *e)
{
	char label[40];
	json_t *j;

	label_text(e->label, label);
	j = json_pack("{s:i, s:o, s:o, s:i, s:I, s:s, s:I}", "protocol", e->proto, "orig",
		tuple_json(e, &e->orig), "reply", tuple_json(e, &e->reply), "zone", e->zone, "mark",
		(json_int_t)e->mark, "labels", label, "timeout_ms", (json_int_t)e->timeout_ms);
	if (j && e->proto == IPPROTO_TCP) {
		json_object_set_new(
			j, "state_orig", json_string(conntrack_tcp_state_name(e->tcp[0].state)));
		json_object_set_new(
			j, "state_reply", json_string(conntrack_tcp_state_name(e->tcp[1].state)));
	}
	return j;
}

/* ---- tuples ---- */

enum kind { ADDRESS, ADDRESS6, PROTO, PORT, BYTE, IDENTIFIER };

static const struct {
	const char *name;
	enum kind kind;
	uint32_t has;
	size_t at; /* in struct conntrack_tuple */
} keys[] = {
#define AT(member) offsetof(struct conntrack_tuple, member)
	{"ct_nw_src", ADDRESS, CONNTRACK_HAS_SRC, AT(src)},
	{"ct_nw_dst", ADDRESS, CONNTRACK_HAS_DST, AT(dst)},
	{"ct_ipv6_src", ADDRESS6, CONNTRACK_HAS_SRC, AT(src)},
	{"ct_ipv6_dst", ADDRESS6, CONNTRACK_HAS_DST, AT(dst)},
	{"ct_nw_proto", PROTO, CONNTRACK_HAS_PROTO, 0},
	{"ct_tp_src", PORT, CONNTRACK_HAS_SRC_PORT, AT(src_port)},
	{"ct_tp_dst", PORT, CONNTRACK_HAS_DST_PORT, AT(dst_port)},
	{"icmp_id", IDENTIFIER, CONNTRACK_HAS_ICMP_ID, AT(id)},
	{"icmp_type", BYTE, CONNTRACK_HAS_ICMP_TYPE, AT(type)},
	{"icmp_code", BYTE, CONNTRACK_HAS_ICMP_CODE, AT(code)},
#undef AT
};

static bool number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	*out = strtoul(text, &end, 0);
	return *text && !*end && *text != '-' && *out <= max;
}

/* False: the value is not of its kind. */
static bool put_value(
	struct conntrack_match *m, struct conntrack_tuple *t, size_t key, const char *value)
{
	uint8_t *at = (uint8_t *)t + keys[key].at;
	bool v6 = keys[key].kind == ADDRESS6;
	unsigned long n;

	switch (keys[key].kind) {
	case ADDRESS:
	case ADDRESS6:
		if ((m->has & CONNTRACK_HAS_FAMILY && m->entry.ipv6 != v6) ||
			inet_pton(v6 ? AF_INET6 : AF_INET, value, at) != 1)
			return false;
		m->has |= CONNTRACK_HAS_FAMILY;
		m->entry.ipv6 = v6;
		return true;
	case PROTO:
		if (!number(value, UINT8_MAX, &n) ||
			(m->has & CONNTRACK_HAS_PROTO && m->entry.proto != n))
			return false;
		m->has |= CONNTRACK_HAS_PROTO;
		m->entry.proto = (uint8_t)n;
		return true;
	case PORT:
	case IDENTIFIER:
		if (!number(value, UINT16_MAX, &n))
			return false;
		memcpy(at, &(uint16_t){htons((uint16_t)n)}, 2);
		return true;
	case BYTE:
		if (!number(value, UINT8_MAX, &n))
			return false;
		*at = (uint8_t)n;
		return true;
	}
	return false;
}

static bool put_word(struct conntrack_match *m, bool reply, char *word, char *err, size_t n)
{
	const size_t n_keys = sizeof(keys) / sizeof(keys[0]);
	char *value = strchr(word, '=');
	size_t key = 0;

	if (!value) {
		snprintf(err, n, "%s: expected KEY=VALUE", word);
		return false;
	}
	*value++ = '\0';
	while (key < n_keys && strcmp(word, keys[key].name) != 0)
		key++;
	if (key == n_keys) {
		snprintf(err, n, "invalid conntrack tuple field: %s", word);
		return false;
	}
	if (!put_value(m, reply ? &m->entry.reply : &m->entry.orig, key, value)) {
		snprintf(err, n, "failed to parse field %s: %s", word, value);
		return false;
	}
	if (keys[key].kind != PROTO)
		m->has |= keys[key].has << (reply ? CONNTRACK_HAS_REPLY : 0);
	return true;
}

bool ct_text_parse(const char *text, bool reply, struct conntrack_match *m, char *err, size_t n)
{
	char *copy = strdup(text), *save = NULL;
	bool good = copy;

	if (!copy)
		snprintf(err, n, "out of memory");
	for (char *w = good ? strtok_r(copy, ", ", &save) : NULL; w && good;
		w = strtok_r(NULL, ", ", &save))
		good = put_word(m, reply, w, err, n);
	free(copy);
	return good;
}
