/* SPDX-License-Identifier: Apache-2.0
 *
 * Controllers and fail mode of a bridge, and the key and certificates that all bridges use.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/bridge/bridge_priv.h"

static uint32_t versions_of(const struct ovsdb_row *row)
{
	static const struct {
		const char *name;
		unsigned wire;
	} known[] = {{"OpenFlow10", 1}, {"OpenFlow11", 2}, {"OpenFlow12", 3}, {"OpenFlow13", 4},
		{"OpenFlow14", 5}, {"OpenFlow15", 6}};
	uint32_t bits = 0;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (ovsdb_set_has_string(row, "protocols", known[i].name))
			bits |= 1u << known[i].wire;
	return bits;
}

static unsigned auxiliaries_of(const struct ovsdb_row *row)
{
	int64_t n = ovsdb_map_integer(row, "other_config", "auxiliary-connections", 0);

	return n < 0 ? 0 : n > OF_AUXILIARIES_MAX ? OF_AUXILIARIES_MAX : (unsigned)n;
}

static void read_controller(const struct ovsdb_row *row, struct of_controller_config *c)
{
	*c = (struct of_controller_config){
		.target = ovsdb_string(row, "target"),
		.inactivity_probe_ms = (int)ovsdb_integer(row, "inactivity_probe", -1),
		.max_backoff_ms = (unsigned)ovsdb_integer(row, "max_backoff", 0),
		.no_async = !ovsdb_bool(row, "enable_async_messages", true),
		.rate_limit = (unsigned)ovsdb_integer(row, "controller_rate_limit", 0),
		.burst = (unsigned)ovsdb_integer(row, "controller_burst_limit", 0),
		.auxiliaries = auxiliaries_of(row),
	};
}

void controllers_reconcile(struct bridge *br, const struct ovsdb_row *row)
{
	const char *fail = ovsdb_string(row, "fail_mode");
	size_t n = ovsdb_count(row, "controller"), used = 0;
	struct of_controller_config *cfg = calloc(n + 1, sizeof(*cfg));

	if (!cfg)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct ovsdb_row *c = ovsdb_ref(row, "controller", i);

		if (!c)
			continue;
		read_controller(c, &cfg[used]);
		cfg[used++].held = br->all->restore_wait;
	}
	of_agent_set_versions(br->agent, versions_of(row));
	of_agent_set_fail_mode(
		br->agent, fail && !strcmp(fail, "secure") ? PL_FAIL_SECURE : PL_FAIL_STANDALONE);
	of_agent_set_controllers(br->agent, cfg, used);
	free(cfg);
}

static const char *text_of(const struct ovsdb_row *row, const char *column)
{
	const char *text = ovsdb_string(row, column);

	return text ? text : "";
}

void tls_reconcile(struct bridges *b, const struct ovsdb_row *root)
{
	const struct ovsdb_row *row = ovsdb_count(root, "ssl") ? ovsdb_ref(root, "ssl", 0) : NULL;
	struct of_tls_config cfg;

	if (row)
		cfg = (struct of_tls_config){
			.private_key = text_of(row, "private_key"),
			.certificate = text_of(row, "certificate"),
			.ca_cert = text_of(row, "ca_cert"),
			.bootstrap = ovsdb_bool(row, "bootstrap_ca_cert", false),
		};
	of_agents_set_tls(b->cfg.agents, row ? &cfg : NULL);
}

/* Pairs of a status with the texts of their numbers. */
struct status {
	struct ovsdb_pair pairs[8];
	char texts[8][24];
	size_t n;
};

static void put(struct status *s, const char *key, const char *value)
{
	s->pairs[s->n++] = (struct ovsdb_pair){key, value};
}

static void put_number(struct status *s, const char *key, int64_t value)
{
	snprintf(s->texts[s->n], sizeof(s->texts[0]), "%" PRId64, value);
	put(s, key, s->texts[s->n]);
}

/* By the names that Open vSwitch has for them; where there are none, nothing is said. */
static void put_packet_ins(struct status *s, const struct of_packet_in_count counts[2])
{
	static const char *const names[2][2] = {
		{"packet-in-action-bypassed", "packet-in-action-dropped"},
		{"packet-in-miss-bypassed", "packet-in-miss-dropped"},
	};

	for (unsigned i = 0; i < 2; i++) {
		if (counts[i].sent)
			put_number(s, names[i][0], (int64_t)counts[i].sent);
		if (counts[i].dropped)
			put_number(s, names[i][1], (int64_t)counts[i].dropped);
	}
}

static void write_one(struct bridge *br, struct ovsdb_txn *txn, const struct ovsdb_row *row)
{
	struct of_controller_status st;
	struct status s = {.n = 0};
	struct ovsdb_edit *e;

	if (of_agent_controller_status(br->agent, ovsdb_string(row, "target"), &st))
		return;
	put(&s, "state", st.state);
	if (st.last_error[0])
		put(&s, "last_error", st.last_error);
	if (st.sec_since_connect >= 0)
		put_number(&s, "sec_since_connect", st.sec_since_connect);
	if (st.sec_since_disconnect >= 0)
		put_number(&s, "sec_since_disconnect", st.sec_since_disconnect);
	put_packet_ins(&s, st.packet_in);
	e = ovsdb_edit(txn, row);
	ovsdb_set_bool(e, "is_connected", st.is_connected);
	ovsdb_set_string(e, "role", of_role_name(st.role));
	ovsdb_set_map(e, "status", s.pairs, s.n);
}

void controllers_write_status(struct bridge *br, struct ovsdb_txn *txn)
{
	const struct ovsdb_row *row = ovsdb_find(br->all->cfg.db, "Bridge", &br->uuid);

	for (size_t i = 0; row && i < ovsdb_count(row, "controller"); i++) {
		const struct ovsdb_row *c = ovsdb_ref(row, "controller", i);

		if (c)
			write_one(br, txn, c);
	}
}
