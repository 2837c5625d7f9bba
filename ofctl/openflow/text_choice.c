/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and printing multipath, bundle and bundle_load.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ofctl/openflow/text_action.h"

static const char *const hashes[OF_HASH_MAX] = {
	[OF_HASH_ETH_SRC] = "eth_src",
	[OF_HASH_SYMMETRIC_L4] = "symmetric_l4",
	[OF_HASH_SYMMETRIC_L3L4] = "symmetric_l3l4",
	[OF_HASH_SYMMETRIC_L3L4_UDP] = "symmetric_l3l4+udp",
	[OF_HASH_NW_SRC] = "nw_src",
	[OF_HASH_NW_DST] = "nw_dst",
	[OF_HASH_SYMMETRIC_L3] = "symmetric_l3",
};

static const char *const multipaths[OF_MP_MAX] = {
	[OF_MP_MODULO_N] = "modulo_n",
	[OF_MP_HASH_THRESHOLD] = "hash_threshold",
	[OF_MP_HRW] = "hrw",
	[OF_MP_ITER_HASH] = "iter_hash",
};

static const char *const bundles[OF_BD_MAX] = {
	[OF_BD_ACTIVE_BACKUP] = "active_backup",
	[OF_BD_HRW] = "hrw",
};

/* "a, b,c": up to `max` words; the last one has the rest. */
static unsigned split(char *s, char **words, unsigned max)
{
	unsigned n = 0;

	while (s && n < max) {
		s += strspn(s, ", ");
		if (!*s)
			break;
		words[n++] = s;
		if (n == max)
			break;
		s += strcspn(s, ", ");
		if (*s)
			*s++ = '\0';
	}
	return n;
}

static int find(struct of_text_parser *p, const char *key, const char *word,
	const char *const *names, unsigned n, uint16_t *out)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(names[i], word) != 0)
			continue;
		*out = (uint16_t)i;
		return 0;
	}
	return of_text_bad(
		p->e, "%s: \"%s\": expected %s or another of its kind", key, word, names[0]);
}

int of_text_multipath(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_MULTIPATH};
	struct of_choice c = {0};
	char *w[6];
	uint32_t links;

	if (split(value, w, 6) != 6)
		return of_text_bad(p->e,
			"%s: expected %s(FIELDS,BASIS,ALGORITHM,LINKS,ARGUMENT,FIELD[BITS])", key,
			key);
	if (find(p, key, w[0], hashes, OF_HASH_MAX, &c.fields) ||
		of_text_u16(p, key, w[1], &c.basis) ||
		find(p, key, w[2], multipaths, OF_MP_MAX, &c.algorithm) ||
		of_text_u32(p, key, w[3], &links) || of_text_u32(p, key, w[4], &c.arg) ||
		of_text_sub(p, key, w[5], true, &c.dst))
		return -EINVAL;
	if (!links || links > 65536)
		return of_text_bad(p->e, "%s: %s links: expected 1 to 65536", key, w[3]);
	if (c.dst.n_bits < 16 && links > 1u << c.dst.n_bits)
		return of_text_bad(p->e, "%s: %u links do not fit into the %u bits of %s", key,
			links, c.dst.n_bits, w[5]);
	c.max_link = (uint16_t)(links - 1);
	a.choice = malloc(sizeof(c));
	if (!a.choice)
		return -ENOMEM;
	memcpy(a.choice, &c, sizeof(c));
	return of_text_push(p, &a);
}

/* Ports after "members:". */
static int parse_members(struct of_text_parser *p, const char *key, char *s, struct of_choice **cp)
{
	char *word;

	while (split(s, &word, 1)) {
		struct of_choice *more =
			realloc(*cp, sizeof(*more) + ((*cp)->n_ports + 1) * sizeof(more->ports[0]));

		if (!more)
			return -ENOMEM;
		*cp = more;
		s = word + strcspn(word, ", ");
		if (*s)
			*s++ = '\0';
		if (!of_port_parse(word, p->names, &more->ports[more->n_ports]))
			return of_text_bad(
				p->e, "%s: \"%s\": expected a port's number or name", key, word);
		more->n_ports++;
	}
	return 0;
}

/* Cuts the members off: after "members:" or, as it was called before, "slaves:". */
static char *cut_members(char *value)
{
	static const char *const words[] = {"members:", "slaves:"};

	for (unsigned i = 0; value && i < 2; i++) {
		char *at = strstr(value, words[i]);

		if (!at)
			continue;
		*at = '\0';
		return at + strlen(words[i]);
	}
	return NULL;
}

int of_text_bundle(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_BUNDLE};
	bool load = !strcasecmp(key, "bundle_load");
	char *members = cut_members(value), *w[5];
	struct of_choice *c;
	int err;

	if (!members || split(value, w, load ? 5 : 4) != (load ? 5 : 4))
		return of_text_bad(p->e,
			"%s: expected %s(FIELDS,BASIS,ALGORITHM,ofport,%smembers:PORTS)", key, key,
			load ? "FIELD[BITS]," : "");
	a.choice = c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->load = load;
	w[load ? 4 : 3][strcspn(w[load ? 4 : 3], ", ")] = '\0';
	err = find(p, key, w[0], hashes, OF_HASH_MAX, &c->fields) ||
	      of_text_u16(p, key, w[1], &c->basis) ||
	      find(p, key, w[2], bundles, OF_BD_MAX, &c->algorithm) ||
	      (load && of_text_sub(p, key, w[4], true, &c->dst));
	if (!err && strcmp(w[3], "ofport") != 0)
		err = of_text_bad(p->e, "%s: \"%s\": expected ofport", key, w[3]);
	if (!err && load && c->dst.n_bits < 16)
		err = of_text_bad(p->e, "%s: %s has fewer than 16 bits", key, w[4]);
	err = err ? -EINVAL : parse_members(p, key, members, &a.choice);
	if (!err)
		return of_text_push(p, &a);
	of_action_free(&a);
	return err;
}

/* ---- printing ---- */

void of_text_put_multipath(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	const struct of_choice *c = a->choice;

	(void)names;
	of_text_put(t, "multipath(%s,%u,%s,%u,%u,", hashes[c->fields], c->basis,
		multipaths[c->algorithm], c->max_link + 1u, c->arg);
	of_text_put_sub(t, &c->dst);
	of_text_put(t, ")");
}

void of_text_put_bundle(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	const struct of_choice *c = a->choice;
	char port[80];

	of_text_put(t, "%s(%s,%u,%s,ofport,", c->load ? "bundle_load" : "bundle", hashes[c->fields],
		c->basis, bundles[c->algorithm]);
	if (c->load) {
		of_text_put_sub(t, &c->dst);
		of_text_put(t, ",");
	}
	of_text_put(t, "members:");
	for (unsigned i = 0; i < c->n_ports; i++)
		of_text_put(t, "%s%s", i ? "," : "",
			of_port_format(c->ports[i], names, port, sizeof(port)));
	of_text_put(t, ")");
}
