/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/openflow/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ofctl/openflow/wire.h"

static int bad(char *err, size_t n, const char *text, const char *what)
{
	snprintf(err, n, "\"%s\": %s", text, what);
	return -EINVAL;
}

/* A port number of the `len` bytes at `s`; "" is the default. */
static bool parse_port(const char *s, size_t len, bool zero_ok, uint16_t *port)
{
	unsigned long v = 0;

	*port = OFP_PORT;
	if (!len)
		return true;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || v > 65535)
			return false;
		v = v * 10 + (unsigned long)(s[i] - '0');
	}
	*port = (uint16_t)v;
	return v <= 65535 && (v || zero_ok);
}

/* A host name, or an IPv6 address in brackets, whose end is returned; NULL if it is malformed. */
static const char *parse_host(const char *s, struct of_target *t)
{
	const char *end;
	size_t len;

	if (*s == '[') {
		end = strchr(++s, ']');
		if (!end)
			return NULL;
		len = (size_t)(end++ - s);
	} else {
		end = s + strcspn(s, ":");
		len = (size_t)(end - s);
	}
	if (!len || len >= sizeof(t->host))
		return NULL;
	memcpy(t->host, s, len);
	t->host[len] = '\0';
	return end;
}

static int parse_path(const char *path, const char *text, struct of_target *t, char *err, size_t n)
{
	struct sockaddr_un un;

	t->local = true;
	if (!*path || strlen(path) >= sizeof(un.sun_path))
		return bad(err, n, text, "expected a path of 1 to 107 bytes after the colon");
	strcpy(t->host, path);
	return 0;
}

void of_target_sockaddr(const struct of_target *t, struct sockaddr_un *un)
{
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(un->sun_path, t->host, strnlen(t->host, sizeof(un->sun_path) - 1));
}

static int parse_active(const char *s, const char *text, struct of_target *t, char *err, size_t n)
{
	const char *end = parse_host(s, t);

	if (!end || (*end && *end != ':'))
		return bad(err, n, text, "expected a host after the colon, or HOST:PORT");
	if (*end == ':')
		end++;
	if (!parse_port(end, strlen(end), false, &t->port))
		return bad(err, n, text, "expected a port of 1 to 65535 after the host");
	return 0;
}

static int parse_passive(const char *s, const char *text, struct of_target *t, char *err, size_t n)
{
	size_t len = strcspn(s, ":");
	const char *end;

	if (!parse_port(s, len, true, &t->port))
		return bad(err, n, text, "expected [PORT][:HOST] with a port of 0 to 65535");
	strcpy(t->host, "0.0.0.0");
	s += len;
	if (!*s || !s[1])
		return 0;
	end = parse_host(s + 1, t);
	if (!end || *end)
		return bad(err, n, text, "expected an address after the port");
	return 0;
}

int of_target_parse(const char *text, struct of_target *t, char *err, size_t n)
{
	*t = (struct of_target){0};
	if (!strncmp(text, "tcp:", 4))
		return parse_active(text + 4, text, t, err, n);
	t->tls = !strncmp(text, "ssl:", 4);
	if (t->tls)
		return parse_active(text + 4, text, t, err, n);
	if (!strncmp(text, "unix:", 5))
		return parse_path(text + 5, text, t, err, n);
	t->passive = true;
	if (!strncmp(text, "ptcp:", 5))
		return parse_passive(text + 5, text, t, err, n);
	t->tls = !strncmp(text, "pssl:", 5);
	if (t->tls)
		return parse_passive(text + 5, text, t, err, n);
	if (!strncmp(text, "punix:", 6))
		return parse_path(text + 6, text, t, err, n);
	snprintf(err, n, "\"%s\": expected tcp:, ssl:, unix:, ptcp:, pssl: or punix:", text);
	return -EPROTONOSUPPORT;
}
