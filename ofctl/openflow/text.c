/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEPARATORS ", \t\r\n"

int of_text_bad(struct of_err *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (e->n)
		vsnprintf(e->text, e->n, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* The end of a value: a separator outside parentheses and brackets. */
static char *value_end(char *s)
{
	int depth = 0;

	for (; *s; s++) {
		if (*s == '(' || *s == '[')
			depth++;
		else if (*s == ')' || *s == ']')
			depth--;
		else if (depth <= 0 && strchr(SEPARATORS, *s))
			break;
	}
	return s;
}

int of_text_next(char **rest, char **key, char **value, struct of_err *e)
{
	char *s = *rest + strspn(*rest, SEPARATORS), *end;
	int depth = 1;

	*value = NULL;
	if (!*s)
		return -ENOENT;
	*key = s;
	s += strcspn(s, ":=(" SEPARATORS);
	if (*s == '(') {
		*s++ = '\0';
		*value = s;
		for (end = s; *end; end++) {
			depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
			if (!depth)
				break;
		}
		if (!*end)
			return of_text_bad(e, "%s(%s: expected a closing parenthesis", *key, s);
		if (!strncmp(end, ")->", 3)) { /* key(value)->target is one thing */
			end = value_end(end + 3);
			goto done;
		}
		*end++ = '\0';
		if (*end && !strchr(SEPARATORS, *end))
			return of_text_bad(e, "%s(%s)%s: expected a comma after the parenthesis",
				*key, s, end);
	} else if (*s == ':' || *s == '=') {
		*s++ = '\0';
		*value = s;
		end = value_end(s);
	} else {
		end = s;
	}
done:
	*rest = *end ? end + 1 : end;
	*end = '\0';
	if (!**key)
		return of_text_bad(e, "\"%s\": expected a name before it", *value ? *value : "");
	return 0;
}

int of_text_u64(const char *what, const char *s, uint64_t max, uint64_t *out, struct of_err *e)
{
	unsigned long long v;
	char *end;

	if (s && !strcmp(s, "-1")) {
		*out = max;
		return 0;
	}
	errno = 0;
	v = s && isdigit((unsigned char)*s) ? strtoull(s, &end, 0) : 0;
	if (!s || !isdigit((unsigned char)*s) || *end || errno || v > max)
		return of_text_bad(e, "%s: \"%s\" is not valid: expected a number from 0 to %llu",
			what, s ? s : "", (unsigned long long)max);
	*out = v;
	return 0;
}

/* ---- ports ---- */

static const struct {
	uint32_t port;
	const char *name;
} reserved[] = {
	{OF_PORT_UNSET, "UNSET"},
	{OF_PORT_IN_PORT, "IN_PORT"},
	{OF_PORT_TABLE, "TABLE"},
	{OF_PORT_NORMAL, "NORMAL"},
	{OF_PORT_FLOOD, "FLOOD"},
	{OF_PORT_ALL, "ALL"},
	{OF_PORT_CONTROLLER, "CONTROLLER"},
	{OF_PORT_LOCAL, "LOCAL"},
	{OF_PORT_ANY, "ANY"},
};
#define N_RESERVED (sizeof(reserved) / sizeof(reserved[0]))

const char *of_port_format(uint32_t port, const struct of_port_names *names, char *buf, size_t n)
{
	const char *name = names && names->by_number ? names->by_number(names->ctx, port) : NULL;

	for (unsigned i = 0; !name && i < N_RESERVED; i++)
		if (reserved[i].port == port)
			name = reserved[i].name;
	if (name)
		snprintf(buf, n, "%s", name);
	else
		snprintf(buf, n, "%u", port);
	return buf;
}

bool of_port_parse(const char *text, const struct of_port_names *names, uint32_t *port)
{
	struct of_err none = {0};
	uint64_t v;

	for (unsigned i = 0; i < N_RESERVED; i++) {
		if (!strcasecmp(reserved[i].name, text)) {
			*port = reserved[i].port;
			return true;
		}
	}
	if (!strcasecmp(text, "none")) {
		*port = OF_PORT_ANY;
		return true;
	}
	if (isdigit((unsigned char)*text) && !of_text_u64("port", text, UINT32_MAX, &v, &none)) {
		/* Numbers of 16 bits are understood as 1.0 has them. */
		*port = v >= 0xff00 && v <= 0xffff ? 0xffff0000u | (uint32_t)v : (uint32_t)v;
		return true;
	}
	if (!names || !names->by_name)
		return false;
	*port = names->by_name(names->ctx, text);
	return *port != OF_PORT_ANY;
}

/* ---- growing text ---- */

void of_text_put(struct of_text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	for (;;) {
		if (t->failed)
			return;
		va_start(args, fmt);
		n = vsnprintf(t->s ? t->s + t->len : NULL, t->cap - t->len, fmt, args);
		va_end(args);
		if (n < 0) {
			t->failed = true;
		} else if (t->len + (size_t)n < t->cap) {
			t->len += (size_t)n;
			return;
		} else {
			size_t cap = (t->cap ? t->cap * 2 : 256) + (size_t)n;
			char *s = realloc(t->s, cap);

			if (s) {
				t->s = s;
				t->cap = cap;
			} else {
				t->failed = true;
			}
		}
	}
}

char *of_text_take(struct of_text *t)
{
	char *s = t->s;

	if (!t->failed && !s)
		s = strdup("");
	if (t->failed) {
		free(s);
		s = NULL;
	}
	*t = (struct of_text){0};
	return s;
}
