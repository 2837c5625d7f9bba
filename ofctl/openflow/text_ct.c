/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and printing ct.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/action.h"
#include "hal/base/mem.h"
#include "ofctl/openflow/text_action.h"

#define PORT_FTP 21
#define PORT_TFTP 69

/* ---- NAT ---- */

static const struct {
	const char *name;
	uint16_t flag;
} nat_flags[] = {
	{"persistent", HAL_NAT_PERSISTENT},
	{"hash", HAL_NAT_HASH},
	{"random", HAL_NAT_RANDOM},
};

/* Cuts an address, "1.2.3.4", "fd00::1" or "[fd00::1]", off `*s`. */
static bool take_address(char **s, struct of_ct *ct, uint8_t *to)
{
	char *text = *s, *end;
	bool bracket = *text == '[', ipv6;
	char stop;

	text += bracket;
	end = bracket ? text + strcspn(text, "]") : text + strspn(text, "0123456789.");
	/* Without brackets an IPv6 address goes on to where another begins: no port can follow. */
	if (!bracket && !memchr(text, '.', (size_t)(end - text)))
		end = text + strspn(text, "0123456789abcdefABCDEF:.");
	stop = *end;
	*end = '\0';
	ipv6 = strchr(text, ':');
	memset(to, 0, 16);
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, to) != 1 || (bracket && stop != ']'))
		return false;
	*end = stop;
	*s = end + bracket;
	if (ipv6)
		ct->nat_flags |= HAL_NAT_IPV6;
	return true;
}

static bool take_port(char **s, uint16_t *port)
{
	char *end;
	unsigned long v = strtoul(*s, &end, 10);

	if (end == *s || v > UINT16_MAX)
		return false;
	*port = (uint16_t)v;
	*s = end;
	return true;
}

/* "MIN[-MAX][:PORT[-PORT]]" */
static bool parse_range(char *s, struct of_ct *ct)
{
	uint16_t family;

	if (!take_address(&s, ct, ct->nat_min))
		return false;
	family = ct->nat_flags & HAL_NAT_IPV6;
	memcpy(ct->nat_max, ct->nat_min, sizeof(ct->nat_max));
	if (*s == '-') {
		s++;
		if (!take_address(&s, ct, ct->nat_max) ||
			family != (ct->nat_flags & HAL_NAT_IPV6) ||
			memcmp(ct->nat_max, ct->nat_min, sizeof(ct->nat_max)) < 0)
			return false;
	}
	if (*s == ':') {
		s++;
		if (!take_port(&s, &ct->nat_port_min))
			return false;
		ct->nat_port_max = ct->nat_port_min;
		if (*s == '-') {
			s++;
			if (!take_port(&s, &ct->nat_port_max) ||
				ct->nat_port_max < ct->nat_port_min)
				return false;
		}
	}
	return !*s;
}

static int parse_nat_member(
	struct of_text_parser *p, const char *key, char *value, struct of_ct *ct)
{
	bool src = !strcmp(key, "src"), dst = !strcmp(key, "dst");

	if (src || dst) {
		ct->nat_flags |= src ? HAL_NAT_SRC : HAL_NAT_DST;
		if (value && !parse_range(value, ct))
			return of_text_bad(p->e,
				"nat: \"%s\" is not valid: expected "
				"ADDRESS[-ADDRESS][:PORT[-PORT]]",
				value);
		return 0;
	}
	for (unsigned i = 0; i < sizeof(nat_flags) / sizeof(nat_flags[0]); i++) {
		if (strcmp(nat_flags[i].name, key) != 0)
			continue;
		ct->nat_flags |= nat_flags[i].flag;
		return value ? of_text_bad(p->e, "nat: %s: it takes no value", key) : 0;
	}
	return of_text_bad(p->e, "nat: \"%s\": expected src, dst, persistent, hash or random", key);
}

static int parse_nat(struct of_text_parser *p, char *value, struct of_action *a)
{
	struct of_ct *ct = a->ct;
	uint16_t f;
	char *key, *arg;
	int err = 0;

	if (ct->flags & HAL_CT_NAT)
		return of_text_bad(p->e, "nat: given twice");
	ct->flags |= HAL_CT_NAT;
	ct->nat_at = (uint16_t)a->nested.n;
	while (value && !(err = of_text_next(&value, &key, &arg, p->e))) {
		err = parse_nat_member(p, key, arg, ct);
		if (err)
			return err;
	}
	if (err == -EINVAL)
		return err;
	f = ct->nat_flags;
	if ((f & HAL_NAT_SRC && f & HAL_NAT_DST) || (f & HAL_NAT_HASH && f & HAL_NAT_RANDOM))
		return of_text_bad(
			p->e, "nat: expected one of src and dst, one of hash and random");
	if (f && !(f & (HAL_NAT_SRC | HAL_NAT_DST)))
		return of_text_bad(p->e, "nat: expected src or dst with what else is given");
	return 0;
}

/* ---- ct ---- */

static int parse_zone(struct of_text_parser *p, char *value, struct of_ct *ct)
{
	if (!value || (*value >= '0' && *value <= '9'))
		return of_text_u16(p, "zone", value, &ct->zone);
	ct->zone_from_field = true;
	if (of_text_sub(p, "zone", value, false, &ct->zone_src))
		return -EINVAL;
	if (ct->zone_src.n_bits != 16)
		return of_text_bad(p->e, "zone: \"%s\": expected 16 bits of a field", value);
	return 0;
}

static int parse_alg(struct of_text_parser *p, const char *value, struct of_ct *ct)
{
	if (value && !strcmp(value, "ftp"))
		ct->alg = PORT_FTP;
	else if (value && !strcmp(value, "tftp"))
		ct->alg = PORT_TFTP;
	else
		return of_text_u16(p, "alg", value, &ct->alg);
	return 0;
}

static int parse_member(struct of_text_parser *p, const char *key, char *value, struct of_action *a)
{
	struct of_ct *ct = a->ct;

	if (!strcmp(key, "commit") || !strcmp(key, "force")) {
		ct->flags |= *key == 'c' ? HAL_CT_COMMIT : HAL_CT_FORCE;
		return value ? of_text_bad(p->e, "ct: %s: it takes no value", key) : 0;
	}
	if (!strcmp(key, "table")) {
		if (of_text_u8(p, "ct's table", value, &ct->recirc_table))
			return -EINVAL;
		return ct->recirc_table >= OF_TABLES
			       ? of_text_bad(p->e, "ct: table=%s: there is no such table", value)
			       : 0;
	}
	if (!strcmp(key, "zone"))
		return parse_zone(p, value, ct);
	if (!strcmp(key, "alg"))
		return parse_alg(p, value, ct);
	if (!strcmp(key, "nat"))
		return parse_nat(p, value, a);
	if (!strcmp(key, "exec"))
		return of_text_nested(p, value, &a->nested);
	return of_text_bad(
		p->e, "ct: \"%s\": expected commit, force, table, zone, alg, nat or exec", key);
}

static int parse_members(struct of_text_parser *p, char *value, struct of_action *a)
{
	const struct of_ct *ct = a->ct;
	char *key, *arg;
	int err = 0;

	while (value && !(err = of_text_next(&value, &key, &arg, p->e))) {
		err = parse_member(p, key, arg, a);
		if (err)
			return err;
	}
	if (err == -EINVAL)
		return err;
	if (ct->flags & HAL_CT_COMMIT)
		return 0;
	if (ct->flags & HAL_CT_FORCE)
		return of_text_bad(p->e, "ct: force: expected commit with it");
	if (a->nested.n || ct->nat_flags & (HAL_NAT_SRC | HAL_NAT_DST))
		return of_text_bad(p->e, "ct: expected commit with exec or nat(src) or nat(dst)");
	return 0;
}

int of_text_ct(struct of_text_parser *p, const char *key, char *value)
{
	struct of_action a = {.type = OFACT_CT};
	int err;

	(void)key;
	a.ct = calloc(1, sizeof(*a.ct));
	if (!a.ct)
		return -ENOMEM;
	a.ct->recirc_table = OF_TABLE_ALL;
	err = parse_members(p, value, &a);
	if (!err)
		return of_text_push(p, &a);
	of_action_free(&a);
	return err;
}

/* ---- printing ---- */

static void put_address(struct of_text *t, const struct of_ct *ct, const uint8_t *addr)
{
	bool ipv6 = ct->nat_flags & HAL_NAT_IPV6, bracket = ipv6 && ct->nat_port_min;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(ipv6 ? AF_INET6 : AF_INET, addr, text, sizeof(text));
	of_text_put(t, bracket ? "[%s]" : "%s", text);
}

static void put_nat(struct of_text *t, const struct of_ct *ct)
{
	of_text_put(t, "nat");
	if (!(ct->nat_flags & (HAL_NAT_SRC | HAL_NAT_DST)))
		return;
	of_text_put(t, "(%s", ct->nat_flags & HAL_NAT_SRC ? "src" : "dst");
	if (!mem_is_zero(ct->nat_min, sizeof(ct->nat_min))) {
		of_text_put(t, "=");
		put_address(t, ct, ct->nat_min);
		if (memcmp(ct->nat_max, ct->nat_min, sizeof(ct->nat_max)) != 0) {
			of_text_put(t, "-");
			put_address(t, ct, ct->nat_max);
		}
		if (ct->nat_port_min)
			of_text_put(t, ":%u", ct->nat_port_min);
		if (ct->nat_port_min && ct->nat_port_max != ct->nat_port_min)
			of_text_put(t, "-%u", ct->nat_port_max);
	}
	for (unsigned i = 0; i < sizeof(nat_flags) / sizeof(nat_flags[0]); i++)
		if (ct->nat_flags & nat_flags[i].flag)
			of_text_put(t, ",%s", nat_flags[i].name);
	of_text_put(t, ")");
}

/* NAT before all else is printed outside of exec(). */
static void put_nested(
	struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	const struct of_ct *ct = a->ct;
	bool nat = ct->flags & HAL_CT_NAT;
	struct of_actions head = {nat ? ct->nat_at : a->nested.n, a->nested.a};
	struct of_actions tail = {a->nested.n - head.n, a->nested.a ? a->nested.a + head.n : NULL};

	if (nat && !head.n) {
		put_nat(t, ct);
		of_text_put(t, ",");
		nat = false;
	}
	if (!a->nested.n)
		return;
	of_text_put(t, "exec(");
	of_text_put_actions(t, &head, names);
	if (nat) {
		of_text_put(t, ",");
		put_nat(t, ct);
	}
	if (tail.n) {
		of_text_put(t, head.n ? "," : "");
		of_text_put_actions(t, &tail, names);
	}
	of_text_put(t, "),");
}

void of_text_put_ct(struct of_text *t, const struct of_action *a, const struct of_port_names *names)
{
	const struct of_ct *ct = a->ct;

	of_text_put(t, "ct(");
	if (ct->flags & HAL_CT_COMMIT)
		of_text_put(t, "commit,");
	if (ct->flags & HAL_CT_FORCE)
		of_text_put(t, "force,");
	if (ct->recirc_table != OF_TABLE_ALL)
		of_text_put(t, "table=%u,", ct->recirc_table);
	if (ct->zone_from_field) {
		of_text_put(t, "zone=");
		of_text_put_sub(t, &ct->zone_src);
		of_text_put(t, ",");
	} else if (ct->zone) {
		of_text_put(t, "zone=%u,", ct->zone);
	}
	put_nested(t, a, names);
	if (ct->alg == PORT_FTP || ct->alg == PORT_TFTP)
		of_text_put(t, "alg=%s,", ct->alg == PORT_FTP ? "ftp" : "tftp");
	else if (ct->alg)
		of_text_put(t, "alg=%u,", ct->alg);
	of_text_close(t);
}
