/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC commands about connection tracking: `ovs-appctl dpctl/...` with stock's arguments and output.
 *
 * The datapath's name, which stock commands may carry, is accepted and says nothing: there is one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/ct_text.h"
#include "ofctl/bridge/rpc.h"
#include "swpath/conntrack.h"

static struct conntrack *conntrack(const struct rpc_call *call)
{
	return swpath_conntrack(rpc_bridges(call)->cfg.sp);
}

static bool is_flag(const char *arg, const char *brief, const char *full)
{
	return !strcmp(arg, brief) || !strcmp(arg, full);
}

static bool has_flag(const struct rpc_call *call, const char *brief, const char *full)
{
	for (int i = 0; i < rpc_n_args(call); i++)
		if (is_flag(rpc_arg(call, i), brief, full))
			return true;
	return false;
}

static bool parse_number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *out <= max;
}

/* The zone of an argument "zone=N", or -1 if there is none; -2: it is malformed and the call was
 * answered. */
static int zone_arg(struct rpc_call *call)
{
	unsigned long zone;

	for (int i = 0; i < rpc_n_args(call); i++) {
		const char *arg = rpc_arg(call, i);

		if (strncmp(arg, "zone=", 5) != 0)
			continue;
		if (parse_number(arg + 5, UINT16_MAX, &zone))
			return (int)zone;
		rpc_error(call, "failed to parse zone: %s", arg);
		return -2;
	}
	return -1;
}

/* ---- dump ---- */

struct dump {
	FILE *f;
	json_t *list;
	bool more, timeout;
};

static bool dump_text(void *ctx, const struct conntrack_entry *e)
{
	struct dump *d = ctx;

	ct_text_entry(d->f, e, d->more, d->timeout);
	return true;
}

static bool dump_json(void *ctx, const struct conntrack_entry *e)
{
	struct dump *d = ctx;

	return !json_array_append_new(d->list, ct_text_json(e));
}

static void dump(struct rpc_call *call)
{
	struct dump d = {.more = has_flag(call, "-m", "--more"),
		.timeout = has_flag(call, "-s", "--statistics")};
	int zone = zone_arg(call);

	if (zone == -2)
		return;
	if (rpc_wants_json(call)) {
		d.list = json_array();
		conntrack_dump(conntrack(call), zone, dump_json, &d);
		rpc_reply_json(call, d.list);
		return;
	}
	d.f = rpc_writer(call);
	if (!d.f)
		return;
	conntrack_dump(conntrack(call), zone, dump_text, &d);
	rpc_reply_written(call);
}

/* ---- flush ---- */

/* The tuple of a connection of zone 0 unless a zone is given; any other match is of all zones. */
static bool is_five_tuple(const struct conntrack_match *m)
{
	const uint32_t ports = CONNTRACK_HAS_SRC_PORT | CONNTRACK_HAS_DST_PORT;
	const uint32_t icmp =
		CONNTRACK_HAS_ICMP_ID | CONNTRACK_HAS_ICMP_TYPE | CONNTRACK_HAS_ICMP_CODE;
	const uint32_t all = CONNTRACK_HAS_PROTO | CONNTRACK_HAS_SRC | CONNTRACK_HAS_DST;

	return (m->has & all) == all && ((m->has & ports) == ports || (m->has & icmp) == icmp) &&
	       !(m->has >> (CONNTRACK_HAS_REPLY + 4));
}

static void flush(struct rpc_call *call)
{
	struct conntrack_match m = {0};
	int zone = zone_arg(call), tuples = 0;
	char err[160];

	if (zone == -2)
		return;
	for (int i = 0; i < rpc_n_args(call); i++) {
		const char *arg = rpc_arg(call, i);

		if (!strncmp(arg, "zone=", 5) || (*arg && !strchr(arg, '=') && !tuples))
			continue; /* or the datapath's name */
		if (tuples == 2) {
			rpc_error(call, "invalid arguments");
			return;
		}
		if (!ct_text_parse(arg, tuples++, &m, err, sizeof(err))) {
			rpc_error(call, "%s", err);
			return;
		}
	}
	if (zone < 0 && is_five_tuple(&m))
		zone = 0;
	if (zone >= 0) {
		m.has |= CONNTRACK_HAS_ZONE;
		m.entry.zone = (uint16_t)zone;
	}
	conntrack_flush(conntrack(call), &m);
	rpc_reply(call, "");
}

/* ---- statistics ---- */

struct stats {
	unsigned total;
	unsigned proto[UINT8_MAX + 1];
	unsigned state[CONNTRACK_TCP_STATE_MAX];
};

static bool count_one(void *ctx, const struct conntrack_entry *e)
{
	struct stats *s = ctx;

	s->total++;
	s->proto[e->proto]++;
	if (e->proto == IPPROTO_TCP)
		s->state[ct_text_tcp_state(e)]++;
	return true;
}

static void put_stats(FILE *f, const struct stats *s, bool more)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} order[] = {{IPPROTO_TCP, "TCP"}, {IPPROTO_UDP, "UDP"}, {IPPROTO_UDPLITE, "UDPLITE"},
		{IPPROTO_SCTP, "SCTP"}, {IPPROTO_ICMP, "ICMP"}, {IPPROTO_ICMPV6, "ICMPV6"},
		{IPPROTO_DCCP, "DCCP"}, {IPPROTO_IGMP, "IGMP"}};
	unsigned others = s->total;

	fprintf(f, "Connections Stats:\n    Total: %u\n", s->total);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		unsigned n = s->proto[order[i].proto];

		others -= n;
		if (n)
			fprintf(f, "  %s: %u\n", order[i].name, n);
		if (!n || !more || order[i].proto != IPPROTO_TCP)
			continue;
		fprintf(f, "    Conn per TCP states:\n");
		for (unsigned t = 0; t < CONNTRACK_TCP_STATE_MAX; t++)
			if (s->state[t])
				fprintf(f, "\t  [%s]=%u\n",
					conntrack_tcp_state_name((enum conntrack_tcp_state)t),
					s->state[t]);
	}
	if (others)
		fprintf(f, "  Other: %u\n", others);
}

static void stats_show(struct rpc_call *call)
{
	bool more = has_flag(call, "-m", "--more") || has_flag(call, "verbose", "--verbose");
	int zone = zone_arg(call);
	struct stats s = {0};
	FILE *f;

	if (zone == -2)
		return;
	conntrack_dump(conntrack(call), zone, count_one, &s);
	f = rpc_writer(call);
	if (!f)
		return;
	put_stats(f, &s, more);
	rpc_reply_written(call);
}

static void counters(struct rpc_call *call)
{
	json_t *j = rpc_wants_json(call) ? json_object() : NULL;
	FILE *f = j ? NULL : rpc_writer(call);

	if (!j && !f)
		return;
	for (unsigned c = 0; c < CONNTRACK_COUNTER_MAX; c++) {
		const char *name = conntrack_counter_name((enum conntrack_counter)c);
		uint64_t n = conntrack_count(conntrack(call), (enum conntrack_counter)c);

		if (j)
			json_object_set_new(j, name, json_integer((json_int_t)n));
		else
			fprintf(f, "%-16s %llu\n", name, (unsigned long long)n);
	}
	if (j)
		rpc_reply_json(call, j);
	else
		rpc_reply_written(call);
}

/* ---- bounds ---- */

static void reply_number(struct rpc_call *call, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", n);
	rpc_reply(call, text);
}

static void get_maxconns(struct rpc_call *call)
{
	reply_number(call, conntrack_max_conns(conntrack(call)));
}

static void get_nconns(struct rpc_call *call)
{
	reply_number(call, conntrack_n_conns(conntrack(call)));
}

static void set_maxconns(struct rpc_call *call)
{
	const char *arg = rpc_arg(call, rpc_n_args(call) - 1);
	unsigned long n;

	if (!parse_number(arg, UINT32_MAX, &n))
		rpc_error(call, "maxconns missing or malformed: %s", arg);
	else if (conntrack_set_max_conns(conntrack(call), (uint32_t)n))
		rpc_error(call, "ct set maxconns failed: %s is not within 1 to %u", arg,
			CONNTRACK_MAX_CONNS_LIMIT);
	else
		rpc_reply(call, "setting maxconns successful\n");
}

static void enable_check(struct rpc_call *call)
{
	conntrack_set_tcp_seq_check(conntrack(call), true);
	rpc_reply(call, "enabling TCP sequence checking successful\n");
}

static void disable_check(struct rpc_call *call)
{
	conntrack_set_tcp_seq_check(conntrack(call), false);
	rpc_reply(call, "disabling TCP sequence checking successful\n");
}

static void get_check(struct rpc_call *call)
{
	rpc_reply(call, conntrack_tcp_seq_check(conntrack(call))
				? "TCP sequence checking: enabled\n"
				: "TCP sequence checking: disabled\n");
}

/* "zone=N,limit=L" */
static bool parse_limit(const char *arg, unsigned long *zone, unsigned long *limit)
{
	char text[64], *comma;

	snprintf(text, sizeof(text), "%s", arg);
	comma = strchr(text, ',');
	if (!comma || strncmp(text, "zone=", 5) != 0 || strncmp(comma, ",limit=", 7) != 0)
		return false;
	*comma = '\0';
	return parse_number(text + 5, UINT16_MAX, zone) &&
	       parse_number(comma + 7, UINT32_MAX - 1, limit);
}

/* One argument; with `apply` it takes effect. False: it is malformed. */
static bool limit_arg(struct conntrack *ct, const char *arg, bool apply)
{
	unsigned long zone, limit;

	if (!strncmp(arg, "default=", 8)) {
		if (!parse_number(arg + 8, UINT32_MAX, &limit))
			return false;
		if (apply)
			conntrack_set_default_limit(ct, (uint32_t)limit);
		return true;
	}
	if (!parse_limit(arg, &zone, &limit))
		return false;
	if (apply)
		conntrack_set_limit(ct, (uint16_t)zone, (uint32_t)limit);
	return true;
}

static void set_limits(struct rpc_call *call)
{
	int first = strchr(rpc_arg(call, 0), '=') ? 0 : 1;

	for (int i = first; i < rpc_n_args(call); i++)
		if (!limit_arg(conntrack(call), rpc_arg(call, i), false)) {
			rpc_error(call,
				"failed to parse zone limit: %s (expected default=L or "
				"zone=N,limit=L)",
				rpc_arg(call, i));
			return;
		}
	for (int i = first; i < rpc_n_args(call); i++)
		limit_arg(conntrack(call), rpc_arg(call, i), true);
	rpc_reply(call, "");
}

/* The next zone of "zone=N1,N2,..."; false at the end, or (*bad) if it is malformed. */
static bool next_zone(const char **at, uint16_t *zone, bool *bad)
{
	char *end;
	unsigned long n;

	if (!**at)
		return false;
	n = strtoul(*at, &end, 10);
	*bad = **at < '0' || **at > '9' || n > UINT16_MAX || (*end && *end != ',');
	*zone = (uint16_t)n;
	*at = *end ? end + 1 : end;
	return !*bad;
}

/* The list of zones in the last argument, or NULL. */
static const char *zones_arg(const struct rpc_call *call)
{
	int n = rpc_n_args(call);
	const char *arg = n ? rpc_arg(call, n - 1) : "";

	return strncmp(arg, "zone=", 5) ? NULL : arg + 5;
}

static bool zones_good(struct rpc_call *call, const char *list)
{
	bool bad = false;
	uint16_t zone;

	for (const char *at = list; next_zone(&at, &zone, &bad);)
		;
	if (bad || !*list)
		rpc_error(call, "invalid zone: %s", list);
	return !bad && *list;
}

static void del_limits(struct rpc_call *call)
{
	const char *list = zones_arg(call);
	uint16_t zone;
	bool bad = false;

	if (!list) {
		rpc_error(call, "invalid argument %s", rpc_arg(call, rpc_n_args(call) - 1));
		return;
	}
	if (!zones_good(call, list))
		return;
	while (next_zone(&list, &zone, &bad))
		conntrack_del_limit(conntrack(call), zone);
	rpc_reply(call, "");
}

static void put_limit(FILE *f, const struct conntrack *ct, uint16_t zone, bool always)
{
	uint32_t limit, count;

	if (conntrack_get_limit(ct, zone, &limit, &count) || always)
		fprintf(f, "zone=%u,limit=%u,count=%u\n", zone, limit, count);
}

static void get_limits(struct rpc_call *call)
{
	const struct conntrack *ct = conntrack(call);
	const char *list = zones_arg(call);
	bool bad = false;
	uint16_t zone;
	FILE *f;

	if (list && !zones_good(call, list))
		return;
	f = rpc_writer(call);
	if (!f)
		return;
	fprintf(f, "default limit=%u\n", conntrack_default_limit(ct));
	while (list && next_zone(&list, &zone, &bad))
		put_limit(f, ct, zone, true);
	for (unsigned z = 0; !list && z <= UINT16_MAX; z++)
		put_limit(f, ct, (uint16_t)z, false);
	rpc_reply_written(call);
}

const struct rpc_command rpc_ct_commands[] = {
	{"dpctl/dump-conntrack", "[-m] [-s] [DP] [zone=N] [--json]", 0, 4, dump},
	{"dpctl/flush-conntrack", "[DP] [zone=N] [CT-ORIG-TUPLE [CT-REPLY-TUPLE]]", 0, 4, flush},
	{"dpctl/ct-stats-show", "[-m] [DP] [zone=N]", 0, 3, stats_show},
	{"dpctl/ct-get-maxconns", "[DP]", 0, 1, get_maxconns},
	{"dpctl/ct-set-maxconns", "[DP] MAXCONNS", 1, 2, set_maxconns},
	{"dpctl/ct-get-nconns", "[DP]", 0, 1, get_nconns},
	{"dpctl/ct-enable-tcp-seq-chk", "[DP]", 0, 1, enable_check},
	{"dpctl/ct-disable-tcp-seq-chk", "[DP]", 0, 1, disable_check},
	{"dpctl/ct-get-tcp-seq-chk", "[DP]", 0, 1, get_check},
	{"dpctl/ct-set-limits", "[DP] [default=L] [zone=N,limit=L]...", 1, 1000, set_limits},
	{"dpctl/ct-get-limits", "[DP] [zone=N1[,N2]...]", 0, 2, get_limits},
	{"dpctl/ct-del-limits", "[DP] zone=N1[,N2]...", 1, 2, del_limits},
	{"conntrack/counters", "[--json]", 0, 0, counters},
	{NULL, NULL, 0, 0, NULL},
};
