/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and printing Nicira's actions of a line or two.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ofctl/openflow/text_action.h"

#define ETH_HEADER 14 /* bytes: less than it is not a packet */

static void set_sub(struct of_action *a, const struct of_subfield *sf)
{
	a->field = sf->field;
	a->src_ofs = sf->ofs;
	a->n_bits = sf->n_bits;
}

/* "port=PORT,max_len=BYTES" */
static int output_trunc(struct of_text_parser *p, char *value)
{
	struct of_action a = {.type = OFACT_OUTPUT_TRUNC};
	bool has_port = false;
	char *key, *arg;
	int err;

	while (!(err = of_text_next(&value, &key, &arg, p->e))) {
		if (!strcmp(key, "port") && arg && of_port_parse(arg, p->names, &a.port))
			has_port = true;
		else if (strcmp(key, "max_len") != 0)
			return of_text_bad(p->e,
				"output: \"%s=%s\": expected port=PORT and max_len=BYTES", key,
				arg ? arg : "");
		else if (of_text_u32(p, key, arg, &a.trunc))
			return -EINVAL;
	}
	if (err != -ENOENT)
		return err;
	if (!has_port || a.trunc < ETH_HEADER)
		return of_text_bad(p->e,
			"output: expected port=PORT and max_len=BYTES, at least %u", ETH_HEADER);
	return of_text_push(p, &a);
}

int of_text_output(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_OUTPUT};
	struct of_subfield sf;
	struct of_err quiet = {0};

	if (!value || !*value)
		return of_text_bad(p->e, "%s: expected %s:VALUE", key, key);
	if (strstr(value, "max_len="))
		return output_trunc(p, value);
	if (!of_port_parse(value, p->names, &a.port)) {
		if (of_subfield_parse(value, &sf, &quiet))
			return of_text_bad(p->e,
				"%s: \"%s\": expected a port's number or name, or a field", key,
				value);
		a.type = OFACT_OUTPUT_REG;
		a.max_len = OF_CONTROLLER_MAX;
		set_sub(&a, &sf);
		return of_text_push(p, &a);
	}
	if (a.port == OF_PORT_CONTROLLER)
		a.max_len = OF_CONTROLLER_MAX;
	if (!of_out_port_ok(a.port))
		return of_text_bad(p->e, "%s: \"%s\" is no port to send to", key, value);
	return of_text_push(p, &a);
}

int of_text_clone(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_CLONE};
	int err;

	if (!value)
		return of_text_bad(p->e, "%s: expected %s(ACTIONS)", key, key);
	err = of_text_nested(p, value, &a.nested);
	if (!err)
		return of_text_push(p, &a);
	of_action_free(&a);
	return err;
}

static int sample_member(
	struct of_text_parser *p, const char *key, char *value, struct of_action *a)
{
	struct of_sample *s = a->sample;

	if (!strcmp(key, "probability"))
		return of_text_u16(p, key, value, &a->probability);
	if (!strcmp(key, "collector_set_id"))
		return of_text_u32(p, key, value, &s->collector_set);
	if (!strcmp(key, "obs_domain_id"))
		return of_text_u32(p, key, value, &s->obs_domain);
	if (!strcmp(key, "obs_point_id"))
		return of_text_u32(p, key, value, &s->obs_point);
	if (!strcmp(key, "sampling_port")) {
		if (value && of_port_parse(value, p->names, &s->sampling_port))
			return 0;
		return of_text_bad(p->e, "%s: expected a port's number or name", key);
	}
	if (strcmp(key, "ingress") != 0 && strcmp(key, "egress") != 0)
		return of_text_bad(p->e,
			"sample: \"%s\": expected probability, collector_set_id, obs_domain_id, "
			"obs_point_id, sampling_port, ingress or egress",
			key);
	s->direction = *key == 'i' ? 1 : 2;
	return 0;
}

int of_text_sample(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_SAMPLE};
	char *name, *arg;
	int err = 0;

	a.sample = calloc(1, sizeof(*a.sample));
	if (!a.sample)
		return -ENOMEM;
	a.sample->sampling_port = OF_PORT_ANY;
	while (!err && value && !(err = of_text_next(&value, &name, &arg, p->e)))
		err = sample_member(p, name, arg, &a);
	if ((!err || err == -ENOENT) && a.probability)
		return of_text_push(p, &a);
	of_action_free(&a);
	return err && err != -ENOENT
		       ? err
		       : of_text_bad(p->e, "%s: expected probability=1 to 65535", key);
}

int of_text_stack(struct of_text_parser *p, const char *key, char *value)
{
	bool pop = !strcasecmp(key, "pop");
	struct of_action a = {.type = pop ? OFACT_STACK_POP : OFACT_STACK_PUSH};
	struct of_subfield sf;

	if (!value)
		return of_text_bad(p->e, "%s: expected %s:FIELD[BITS]", key, key);
	if (of_text_sub(p, key, value, pop, &sf))
		return -EINVAL;
	set_sub(&a, &sf);
	return of_text_push(p, &a);
}

/* "(BYTES)->FIELD[BIT]" */
int of_text_check_pkt_larger(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_CHECK_PKT_LARGER};
	char *to = value ? strstr(value, ")->") : NULL;
	struct of_subfield sf;

	if (!to)
		return of_text_bad(p->e, "%s: expected %s(BYTES)->FIELD[BIT]", key, key);
	*to = '\0';
	if (of_text_u16(p, key, value, &a.pkt_len) || of_text_sub(p, key, to + 3, true, &sf))
		return -EINVAL;
	if (sf.n_bits != 1)
		return of_text_bad(p->e, "%s: \"%s\": expected one bit of a field", key, to + 3);
	set_sub(&a, &sf);
	return of_text_push(p, &a);
}

/* "ID, K/N" */
int of_text_conjunction(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_CONJUNCTION};
	char *k = value ? strchr(value, ',') : NULL, *n = k ? strchr(k, '/') : NULL;

	if (!n)
		return of_text_bad(p->e, "%s: expected %s(ID,K/N)", key, key);
	*k++ = '\0';
	*n++ = '\0';
	k += strspn(k, " ");
	if (of_text_u32(p, key, value, &a.conj_id) || of_text_u8(p, key, k, &a.clause) ||
		of_text_u8(p, key, n, &a.n_clauses))
		return -EINVAL;
	if (a.n_clauses < 2 || a.n_clauses > 64 || !a.clause || a.clause > a.n_clauses)
		return of_text_bad(
			p->e, "%s: %s/%s: expected 1/N to N/N, N from 2 to 64", key, k, n);
	a.clause--;
	return of_text_push(p, &a);
}

int of_text_fin_timeout(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_FIN_TIMEOUT};
	char *name, *arg;
	int err = 0;

	while (!err && value && !(err = of_text_next(&value, &name, &arg, p->e))) {
		if (!strcmp(name, "idle_timeout"))
			err = of_text_u16(p, name, arg, &a.fin_idle);
		else if (!strcmp(name, "hard_timeout"))
			err = of_text_u16(p, name, arg, &a.fin_hard);
		else
			err = of_text_bad(p->e, "%s: \"%s\": expected idle_timeout or hard_timeout",
				key, name);
	}
	return err && err != -ENOENT ? err : of_text_push(p, &a);
}

/* Bytes are made up to whole actions, as they go over the wire. */
int of_text_note(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_NOTE};
	uint16_t len;
	uint8_t *more;
	int err = of_text_hex(p, key, value, &a.data, &len);

	if (err)
		return err;
	a.data_len = len <= 6 ? 6 : (uint16_t)((len - 6u + 7) / 8 * 8 + 6);
	more = realloc(a.data, a.data_len);
	if (!more) {
		free(a.data);
		return -ENOMEM;
	}
	memset(more + len, 0, a.data_len - (size_t)len);
	a.data = more;
	return of_text_push(p, &a);
}

int of_text_delete_field(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_DELETE_FIELD, .field = FIELD_TUN_METADATA};
	uint64_t n;

	if (!value || strncmp(value, "tun_metadata", 12) != 0 ||
		of_text_u64(key, value + 12, OF_OXM_OPTIONS - 1, &n, p->e))
		return of_text_bad(p->e, "%s: \"%s\": expected tun_metadata0 to tun_metadata63",
			key, value ? value : "");
	a.option = (uint8_t)n;
	return of_text_push(p, &a);
}

/* "dec_ttl" or "dec_ttl(ID,ID...)" */
int of_text_dec_ttl(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_DEC_NW_TTL};
	char *id, *arg;
	int err = 0;

	if (value && *value)
		a.data = malloc(strlen(value) + 2);
	if (value && *value && !a.data)
		return -ENOMEM;
	while (!err && a.data && !(err = of_text_next(&value, &id, &arg, p->e))) {
		uint16_t v;

		err = of_text_u16(p, key, id, &v);
		if (err)
			break;
		a.data[a.data_len++] = (uint8_t)(v >> 8);
		a.data[a.data_len++] = (uint8_t)v;
	}
	if (!err || err == -ENOENT)
		return of_text_push(p, &a);
	of_action_free(&a);
	return err;
}

/* ---- printing ---- */

static void put_trunc(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	char port[80];

	of_text_put(t, "output(port=%s,max_len=%u)",
		of_port_format(a->port, names, port, sizeof(port)), a->trunc);
}

static void put_sample(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	static const char *const directions[] = {"", ",ingress", ",egress"};
	const struct of_sample *s = a->sample;
	char port[80];

	of_text_put(t, "sample(probability=%u,collector_set_id=%u,obs_domain_id=%u,obs_point_id=%u",
		a->probability, s->collector_set, s->obs_domain, s->obs_point);
	if (s->sampling_port != OF_PORT_ANY)
		of_text_put(t, ",sampling_port=%s",
			of_port_format(s->sampling_port, names, port, sizeof(port)));
	of_text_put(t, "%s)", directions[s->direction]);
}

static void put_with_sub(struct of_text *t, const char *before, const struct of_action *a)
{
	struct of_subfield sf = {a->field, a->src_ofs, a->n_bits};

	of_text_put(t, "%s", before);
	of_text_put_sub(t, &sf);
}

static void put_fin_timeout(struct of_text *t, const struct of_action *a)
{
	of_text_put(t, "fin_timeout(");
	if (a->fin_idle)
		of_text_put(t, "idle_timeout=%u,", a->fin_idle);
	if (a->fin_hard)
		of_text_put(t, "hard_timeout=%u,", a->fin_hard);
	of_text_close(t);
}

static void put_dec_ttl(struct of_text *t, const struct of_action *a)
{
	of_text_put(t, "dec_ttl");
	if (!a->data)
		return;
	of_text_put(t, "(");
	for (unsigned i = 0; i + 1 < a->data_len; i += 2)
		of_text_put(t, "%s%u", i ? "," : "", a->data[i] << 8 | a->data[i + 1]);
	of_text_put(t, ")");
}

void of_text_put_nx(struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	switch (a->type) {
	case OFACT_OUTPUT_REG:
		put_with_sub(t, "output:", a);
		break;
	case OFACT_OUTPUT_TRUNC:
		put_trunc(t, a, names);
		break;
	case OFACT_CLONE:
		of_text_put(t, "clone(");
		of_text_put_actions(t, &a->nested, names);
		of_text_put(t, "%s)", a->nested.n ? "" : "drop");
		break;
	case OFACT_SAMPLE:
		put_sample(t, a, names);
		break;
	case OFACT_STACK_PUSH:
		put_with_sub(t, "push:", a);
		break;
	case OFACT_STACK_POP:
		put_with_sub(t, "pop:", a);
		break;
	case OFACT_CHECK_PKT_LARGER:
		of_text_put(t, "check_pkt_larger(%u)", a->pkt_len);
		put_with_sub(t, "->", a);
		break;
	case OFACT_CONJUNCTION:
		of_text_put(t, "conjunction(%u,%u/%u)", a->conj_id, a->clause + 1u, a->n_clauses);
		break;
	case OFACT_FIN_TIMEOUT:
		put_fin_timeout(t, a);
		break;
	case OFACT_NOTE:
		of_text_put(t, "note:");
		of_text_put_hex(t, a->data, a->data_len);
		break;
	case OFACT_DELETE_FIELD:
		of_text_put(t, "delete_field:tun_metadata%u", a->option);
		break;
	case OFACT_DEC_NW_TTL:
		put_dec_ttl(t, a);
		break;
	case OFACT_CT_CLEAR:
		of_text_put(t, "ct_clear");
		break;
	case OFACT_EXIT:
		of_text_put(t, "exit");
		break;
	case OFACT_POP_QUEUE:
		of_text_put(t, "pop_queue");
		break;
	default: /* never accepted, so never shown */
		break;
	}
}
