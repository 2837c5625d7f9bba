/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and printing meters.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ofctl/openflow/group_text.h"
#include "ofctl/openflow/text.h"

static const struct {
	const char *name;
	uint16_t flag;
} flags[] = {
	{"kbps", OFPMF_KBPS},
	{"pktps", OFPMF_PKTPS},
	{"burst", OFPMF_BURST},
	{"stats", OFPMF_STATS},
};
#define N_FLAGS (sizeof(flags) / sizeof(flags[0]))

static const char *band_name(const struct hal_band *b)
{
	return b->type == HAL_BAND_DSCP_REMARK ? "dscp_remark" : "drop";
}

/* ---- reading ---- */

/* Begins a band. */
static int parse_type(struct hal_meter *m, const char *value, struct of_err *e)
{
	struct hal_band *b = &m->band[m->n_bands];

	if (m->n_bands == HAL_METER_BANDS)
		return of_text_bad(e, "bands: more than %d", HAL_METER_BANDS);
	if (value && !strcmp(value, "drop"))
		b->type = HAL_BAND_DROP;
	else if (value && !strcmp(value, "dscp_remark"))
		b->type = HAL_BAND_DSCP_REMARK;
	else
		return of_text_bad(
			e, "type: \"%s\": expected drop or dscp_remark", value ? value : "");
	m->n_bands++;
	return 0;
}

static int parse_band(struct hal_meter *m, const char *key, const char *value, struct of_err *e)
{
	struct hal_band *b = &m->band[m->n_bands - 1];
	uint32_t *to = !strcmp(key, "rate")         ? &b->rate
		       : !strcmp(key, "burst_size") ? &b->burst
		       : !strcmp(key, "prec_level") ? &b->prec_level
						    : NULL;
	uint64_t v;

	if (!to)
		return of_text_bad(
			e, "\"%s\": expected type, rate, burst_size or prec_level of a band", key);
	if (of_text_u64(key, value, to == &b->prec_level ? UINT8_MAX : UINT32_MAX, &v, e))
		return -EINVAL;
	*to = (uint32_t)v;
	return 0;
}

static int parse_token(struct of_meter_mod *mm, const char *key, char *value, struct of_err *e)
{
	uint64_t v;

	/* "bands=type=drop": what follows the first sign is the first band's first token. */
	if ((!strcmp(key, "bands") || !strcmp(key, "band")) && value) {
		if (strncmp(value, "type=", 5) != 0 && strncmp(value, "type:", 5) != 0)
			return of_text_bad(e, "%s: \"%s\": expected type=TYPE", key, value);
		return parse_type(&mm->meter, value + 5, e);
	}
	if (!strcmp(key, "type"))
		return parse_type(&mm->meter, value, e);
	if (mm->meter.n_bands)
		return parse_band(&mm->meter, key, value, e);
	if (!strcmp(key, "meter")) {
		if (value && !strcmp(value, "all"))
			v = OF_METER_ALL;
		else if (of_text_u64(key, value, OF_METER_MAX, &v, e))
			return -EINVAL;
		mm->id = (uint32_t)v;
		return 0;
	}
	for (unsigned i = 0; i < N_FLAGS; i++)
		if (!strcmp(key, flags[i].name) && !value) {
			mm->flags |= flags[i].flag;
			return 0;
		}
	return of_text_bad(
		e, "\"%s\": expected meter=ID, kbps, pktps, burst, stats or bands=type=TYPE", key);
}

static int check(struct of_meter_mod *mm, struct of_err *e)
{
	if (mm->command == OF_METER_DELETE) {
		if (!mm->id)
			mm->id = OF_METER_ALL;
		return mm->flags || mm->meter.n_bands
			       ? of_text_bad(e, "to delete a meter takes its id alone")
			       : 0;
	}
	if (!mm->id || mm->id == OF_METER_ALL)
		return of_text_bad(e, "expected meter=ID");
	if (mm->flags & OFPMF_KBPS && mm->flags & OFPMF_PKTPS)
		return of_text_bad(e, "expected either kbps or pktps");
	if (!mm->meter.n_bands)
		return of_text_bad(e, "expected bands=type=TYPE,rate=RATE");
	mm->meter.pktps = mm->flags & OFPMF_PKTPS;
	return 0;
}

int of_meter_mod_parse(const char *text, enum of_meter_command command, struct of_meter_mod *mm,
	char *err, size_t n)
{
	char *copy = strdup(text), *rest = copy, *key, *value;
	struct of_err e = {err, n};
	int ret = copy ? 0 : -ENOMEM;

	*mm = (struct of_meter_mod){.command = command};
	while (!ret && !(ret = of_text_next(&rest, &key, &value, &e)))
		ret = parse_token(mm, key, value, &e);
	free(copy);
	return ret == -ENOENT ? check(mm, &e) : ret;
}

/* ---- printing ---- */

char *of_meter_format(const struct of_meter_stats *ms)
{
	struct of_text t = {0};

	of_text_put(&t, "meter=%u", ms->id);
	for (unsigned i = 0; i < N_FLAGS; i++)
		if (ms->flags & flags[i].flag)
			of_text_put(&t, " %s", flags[i].name);
	of_text_put(&t, " bands=");
	for (unsigned i = 0; i < ms->meter->n_bands; i++) {
		const struct hal_band *b = &ms->meter->band[i];

		of_text_put(&t, "\ntype=%s rate=%u", band_name(b), b->rate);
		if (ms->flags & OFPMF_BURST)
			of_text_put(&t, " burst_size=%u", b->burst);
		if (b->type == HAL_BAND_DSCP_REMARK)
			of_text_put(&t, " prec_level=%u", b->prec_level);
	}
	return of_text_take(&t);
}

char *of_meter_stats_format(const struct of_meter_stats *ms)
{
	const struct hal_meter_stats *c = &ms->counters;
	struct of_text t = {0};

	of_text_put(&t,
		"meter:%u flow_count:%u packet_in_count:%" PRIu64 " byte_in_count:%" PRIu64
		" duration:%.3fs bands:",
		ms->id, ms->flow_count, c->packets, c->bytes, (double)ms->duration_ns / 1e9);
	for (unsigned i = 0; i < ms->meter->n_bands; i++)
		of_text_put(&t, "\n%u: packet_count:%" PRIu64 " byte_count:%" PRIu64, i,
			c->band_packets[i], c->band_bytes[i]);
	return of_text_take(&t);
}
