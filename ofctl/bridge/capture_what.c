/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/bridge/capture_what.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/walk.h"
#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/match_text.h"

uint32_t capture_port_of(const struct iface *i)
{
	if (!i->open)
		return HAL_PORT_NONE;
	return i->want.kind == IFACE_TUNNEL ? i->cfg.tunnel.end : i->dp_port;
}

/* ---- a port ---- */

static struct iface *iface_named(struct bridges *b, const char *name)
{
	struct bridge *br;
	struct iface *i;

	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link)
			if (!strcmp(i->want.name, name))
				return i;
	return NULL;
}

static int why_no_port(const struct iface *i, char *err, size_t n)
{
	if (i->want.kind == IFACE_PATCH)
		snprintf(err, n,
			"%s: packets only pass a patch port by name; capture the ports where they "
			"come in or go out",
			i->want.name);
	else
		snprintf(err, n, "%s: the port is not open%s%s", i->want.name,
			i->error[0] ? ": " : "", i->error);
	return -1;
}

static int need_ports(struct capture_what *what, char *err, size_t n)
{
	what->cfg.ports = calloc(SWPATH_CAPTURE_PORT_WORDS, sizeof(uint64_t));
	if (!what->cfg.ports)
		snprintf(err, n, "out of memory");
	return what->cfg.ports ? 0 : -1;
}

/* Tunnels of one kind and UDP port come and go by one datapath port. */
static void note_tunnel(struct capture_what *what, const struct iface *i)
{
	const struct iface *other;
	struct bridge *br;

	if (i->want.kind != IFACE_TUNNEL)
		return;
	LIST_FOREACH (br, &i->br->all->list, link)
		LIST_FOREACH (other, &br->ifaces, link)
			if (other != i && capture_port_of(other) == capture_port_of(i)) {
				snprintf(what->note, sizeof(what->note),
					"packets of %.63s are captured too: it ends where %.63s "
					"does",
					other->want.name, i->want.name);
				return;
			}
}

static int read_port(struct capture_what *what, const struct iface *i, char *err, size_t n)
{
	uint32_t id = capture_port_of(i);

	if (id == HAL_PORT_NONE)
		return why_no_port(i, err, n);
	if (need_ports(what, err, n))
		return -1;
	what->cfg.what = SWPATH_CAPTURE_PORTS;
	swpath_capture_add_port(what->cfg.ports, id);
	snprintf(what->text, sizeof(what->text), "port %s", i->want.name);
	note_tunnel(what, i);
	return 0;
}

/* ---- drops ---- */

/* '-' for '_' is forgiven. */
static bool is_drop(const char *text, enum swpath_drop d)
{
	const char *name = swpath_drop_name(d);

	for (; *text && (*text == *name || (*text == '-' && *name == '_')); text++)
		name++;
	return !*text && !*name;
}

static bool read_drops(struct capture_what *what, const char *text)
{
	for (unsigned d = 0; d < SWPATH_DROP_MAX; d++)
		if (!strcmp(text, "drops") || is_drop(text, (enum swpath_drop)d))
			what->cfg.drops |= UINT64_C(1) << d;
	if (!what->cfg.drops)
		return false;
	what->cfg.what = SWPATH_CAPTURE_DROPS;
	if (!strcmp(text, "drops"))
		snprintf(what->text, sizeof(what->text), "all dropped packets");
	else
		snprintf(what->text, sizeof(what->text), "packets dropped for %s", text);
	return true;
}

_Static_assert(SWPATH_DROP_MAX <= 64, "reasons for drops are bits of a uint64_t");

/* ---- a match ---- */

struct where {
	char *err;
	size_t n;
};

/* What packets do not have yet when they come in. */
static int refuse_field(void *ctx, enum hal_field_id id, const uint8_t *value, const uint8_t *mask)
{
	const char *name = hal_fields[id].name;
	struct where *w = ctx;

	(void)value;
	(void)mask;
	if (hal_field_is_dp(id) && strncmp(name, "ct_", 3) && id != FIELD_RECIRC_ID &&
		id != FIELD_DP_HASH)
		return 0;
	snprintf(w->err, w->n,
		"%s: packets are matched as they come in, and have no %s then; expected fields of "
		"packets, in_port or fields of a tunnel",
		name, name);
	return -1;
}

static int restrict_to_bridge(
	struct capture_what *what, const struct bridge *br, char *err, size_t n)
{
	const struct iface *i;

	if (need_ports(what, err, n))
		return -1;
	LIST_FOREACH (i, &br->ifaces, link)
		if (capture_port_of(i) != HAL_PORT_NONE)
			swpath_capture_add_port(what->cfg.ports, capture_port_of(i));
	return 0;
}

static int set_in_port(struct hal_match *m, const struct bridge *br, char *err, size_t n)
{
	uint32_t number = rte_be_to_cpu_32(m->value.in_port_of);
	const struct iface *i;

	m->value.in_port_of = m->mask.in_port_of = 0;
	LIST_FOREACH (i, &br->ifaces, link)
		if (i->cfg.number == number) {
			uint32_t id = capture_port_of(i);

			if (id == HAL_PORT_NONE)
				return why_no_port(i, err, n);
			m->value.dp.in_port = rte_cpu_to_be_32(id);
			m->mask.dp.in_port = UINT32_MAX;
			return 0;
		}
	snprintf(err, n, "in_port=%u: bridge %s has no such port", number, br->name);
	return -1;
}

static int read_match(
	struct bridges *b, struct capture_what *what, const char *text, char *err, size_t n)
{
	struct where w = {err, n};
	struct hal_match m;
	struct bridge *br;
	bool named;

	if (match_text_read(b, text, &br, &named, &m, err, n))
		return -1;
	if (m.mask.in_port_of) {
		if (set_in_port(&m, br, err, n))
			return -1;
	} else if (named && restrict_to_bridge(what, br, err, n)) {
		return -1;
	}
	if (hal_match_fields(&m.value, &m.mask, sizeof(m.mask), refuse_field, &w))
		return -1;
	what->match = hal_cmatch_new_dp(&m.value.dp, &m.mask.dp);
	if (!what->match) {
		snprintf(err, n, "out of memory");
		return -1;
	}
	what->cfg.what = SWPATH_CAPTURE_MATCH;
	what->cfg.match = what->match;
	snprintf(what->text, sizeof(what->text), "packets that match %.160s", text);
	return 0;
}

/* ---- any of them ---- */

static bool is_word(const char *text)
{
	return !text[strcspn(text, " ,=")];
}

int capture_what_read(
	struct bridges *b, const char *text, struct capture_what *what, char *err, size_t n)
{
	const struct iface *i = iface_named(b, text);
	int error;

	*what = (struct capture_what){.cfg = {.snaplen = 0}};
	if (i)
		error = read_port(what, i, err, n);
	else if (read_drops(what, text))
		error = 0;
	else
		error = read_match(b, what, text, err, n);
	if (error && !i && is_word(text))
		snprintf(err, n,
			"%s: there is no port and no drop reason of this name, and it is no match; "
			"expected the name of a port, a reason as \"sluicectl drops\" shows them, "
			"\"drops\" for all, or a match such as tcp,tp_dst=80",
			text);
	if (error)
		capture_what_free(what);
	return error;
}

void capture_what_free(struct capture_what *what)
{
	free(what->cfg.ports);
	free(what->match);
	what->cfg.ports = NULL;
	what->match = NULL;
}

void capture_what_list(struct bridges *b, FILE *f)
{
	struct bridge *br;
	struct iface *i;

	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link)
			if (capture_port_of(i) != HAL_PORT_NONE)
				fprintf(f, "%-16s port of %s\n", i->want.name, br->name);
	for (unsigned d = 0; d < SWPATH_DROP_MAX; d++)
		fprintf(f, "%-16s dropped: %s\n", swpath_drop_name((enum swpath_drop)d),
			swpath_drop_meaning((enum swpath_drop)d));
	fprintf(f, "%-16s dropped for any reason\n", "drops");
}

/* ---- rules ---- */

/* The port where packets of the rule come in; HAL_PORT_NONE: any. */
static uint32_t in_port_of(const struct hal_cmatch *cm)
{
	struct hal_match m;

	hal_cmatch_expand(cm, &m);
	return m.mask.dp.in_port == UINT32_MAX ? rte_be_to_cpu_32(m.value.dp.in_port)
					       : HAL_PORT_NONE;
}

/* Stops at a step that sends to one of the ports, or may. */
static int sends_to(void *ctx, const struct hal_action *a)
{
	const uint64_t *ports = ctx;

	switch ((enum hal_action_type)a->type) {
	case ACTION_OUTPUT:
		return swpath_capture_has_port(ports, ((const struct hal_act_output *)a)->port);
	case ACTION_TUNNEL_PUSH:
		return swpath_capture_has_port(
			ports, ((const struct hal_act_tunnel_push *)a)->port);
	case ACTION_TUNNEL_POP:
		return swpath_capture_has_port(ports, ((const struct hal_act_tunnel_pop *)a)->port);
	case ACTION_GROUP: /* of a former run: who knows */
	case ACTION_MIRROR:
		return 1;
	default:
		return 0;
	}
}

/* Stops at a step for which a packet may be dropped for one of the reasons. Queues and links of the
 * software path are not those of a device, whose packets do not come here for them. */
static int drops_for(void *ctx, const struct hal_action *a)
{
	const uint64_t *drops = ctx;
	uint64_t here = 0;

	switch ((enum hal_action_type)a->type) {
	case ACTION_METER:
		here = UINT64_C(1) << SWPATH_DROP_METER;
		break;
	case ACTION_DEC_TTL:
		here = UINT64_C(1) << SWPATH_DROP_TTL;
		break;
	case ACTION_TUNNEL_POP:
		here = UINT64_C(1) << SWPATH_DROP_TUNNEL_HEADER |
		       UINT64_C(1) << SWPATH_DROP_TUNNEL_CHECKSUM |
		       UINT64_C(1) << SWPATH_DROP_TUNNEL_OPTION |
		       UINT64_C(1) << SWPATH_DROP_TUNNEL_ECN;
		break;
	default:
		break;
	}
	return (*drops & here) != 0;
}

bool capture_what_concerns(void *ctx, const struct hal_rule *rule)
{
	struct capture_what *what = ctx;
	uint32_t in_port = in_port_of(rule->match);
	bool comes_in =
		in_port == HAL_PORT_NONE || swpath_capture_has_port(what->cfg.ports, in_port);

	switch (what->cfg.what) {
	case SWPATH_CAPTURE_PORTS:
		return comes_in || hal_program_walk(rule->program, sends_to, what->cfg.ports);
	case SWPATH_CAPTURE_MATCH:
		return comes_in && hal_cmatch_overlap(what->match, rule->match);
	case SWPATH_CAPTURE_DROPS:
		break;
	}
	if (!rule->program->len)
		return what->cfg.drops >> SWPATH_DROP_ACTION & 1;
	return hal_program_walk(rule->program, drops_for, &what->cfg.drops) != 0;
}
