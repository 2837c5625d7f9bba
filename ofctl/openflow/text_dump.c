/* SPDX-License-Identifier: Apache-2.0
 *
 * Printing flows as the lines of a flow dump.
 */
#include "ofctl/openflow/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PRIORITY 32768
#define MATCH_TEXT 4096

/* Whole milliseconds without trailing zeros. */
static void put_duration(struct of_text *t, uint64_t ns)
{
	unsigned ms = (unsigned)(ns / 1000000 % 1000);
	char frac[8];
	size_t len;

	of_text_put(t, "duration=%" PRIu64, ns / 1000000000);
	if (ms) {
		snprintf(frac, sizeof(frac), "%03u", ms);
		for (len = 3; frac[len - 1] == '0'; len--)
			frac[len - 1] = '\0';
		of_text_put(t, ".%s", frac);
	}
	of_text_put(t, "s, ");
}

static void put_count(struct of_text *t, const char *name, uint64_t v)
{
	if (v == UINT64_MAX)
		of_text_put(t, "%s=?, ", name);
	else
		of_text_put(t, "%s=%" PRIu64 ", ", name, v);
}

static void put_flags(struct of_text *t, uint16_t flags)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = {
		{OF_FLOW_SEND_REMOVED, "send_flow_rem"},
		{OF_FLOW_CHECK_OVERLAP, "check_overlap"},
		{OF_FLOW_RESET_COUNTS, "reset_counts"},
		{OF_FLOW_NO_PACKET_COUNTS, "no_packet_counts"},
		{OF_FLOW_NO_BYTE_COUNTS, "no_byte_counts"},
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			of_text_put(t, "%s ", names[i].name);
}

static void put_port_match(
	struct of_text *t, const struct hal_match *m, const struct of_port_names *names)
{
	char port[80];

	if (!hal_field_all(FIELD_IN_PORT, &m->mask))
		return;
	of_port_format(
		(uint32_t)hal_field_get_u64(FIELD_IN_PORT, &m->value), names, port, sizeof(port));
	of_text_put(t, "in_port=%s,", port);
}

/* The match, with the priority before it and the input port by name if names are wanted. */
static void put_match(struct of_text *t, uint16_t priority, const struct hal_cmatch *cm,
	const struct of_port_names *names)
{
	char buf[MATCH_TEXT];
	struct hal_match m;
	int n;

	hal_cmatch_expand(cm, &m);
	n = hal_match_format(&m.value, &m.mask, false, buf, sizeof(buf));
	if (priority != DEFAULT_PRIORITY)
		of_text_put(t, "priority=%u%s", priority, n > 0 ? "," : "");
	if (names && names->by_number) {
		char *port = strstr(buf, "in_port=");

		if (port) {
			of_text_put(t, "%.*s", (int)(port - buf), buf);
			put_port_match(t, &m, names);
			port += strcspn(port, ",");
			of_text_put(t, "%s", *port ? port + 1 : "");
			if (!*port)
				t->len--; /* the comma after the port */
			goto blank;
		}
	}
	of_text_put(t, "%s", buf);
blank:
	if (!t->failed && t->len && t->s[t->len - 1] != ' ')
		of_text_put(t, " ");
}

char *of_flow_stats_format(const struct of_flow_stats *fs, const struct of_port_names *names)
{
	struct of_text t = {0};

	of_text_put(&t, "cookie=0x%" PRIx64 ", ", fs->cookie);
	put_duration(&t, fs->duration_ns);
	of_text_put(&t, "table=%u, ", fs->table);
	put_count(&t, "n_packets", fs->packets);
	put_count(&t, "n_bytes", fs->bytes);
	if (fs->idle_timeout)
		of_text_put(&t, "idle_timeout=%u, ", fs->idle_timeout);
	if (fs->hard_timeout)
		of_text_put(&t, "hard_timeout=%u, ", fs->hard_timeout);
	put_flags(&t, fs->flags & ~OF_FLOW_RESET_COUNTS);
	if (fs->importance)
		of_text_put(&t, "importance=%u, ", fs->importance);
	of_text_put(&t, "idle_age=%" PRIu64 ", ", fs->idle_age_ms / 1000);
	if (fs->hard_age_ms / 1000 != fs->duration_ns / 1000000000)
		of_text_put(&t, "hard_age=%" PRIu64 ", ", fs->hard_age_ms / 1000);
	put_match(&t, fs->priority, fs->match, names);
	of_text_put(&t, "actions=");
	of_text_put_instructions(&t, fs->ins, names);
	return of_text_take(&t);
}
