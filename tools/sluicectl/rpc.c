/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/fail.h"
#include "tools/sluicectl/nearest.h"

void rpc_open(struct peer *p, const struct options *o)
{
	char path[512];
	FILE *f;
	long pid = 0;

	snprintf(path, sizeof(path), "%s/sluiced.pid", o->rundir);
	f = fopen(path, "re");
	if (!f)
		peer_not_running(o->rundir, errno);
	if (fscanf(f, "%ld", &pid) != 1 || pid <= 0)
		fail("%s: expected a process id in it", path);
	fclose(f);
	snprintf(path, sizeof(path), "%s/sluiced.%ld.ctl", o->rundir, pid);
	peer_open(p, o->rundir, path, o->timeout_s);
}

static json_t *strings(const char *const *args, unsigned n)
{
	json_t *list = need(json_array());

	for (unsigned i = 0; i < n; i++)
		if (json_array_append_new(list, json_string(args[i])))
			fail("argument %u is not UTF-8", i + 1);
	return list;
}

long long rpc_send(struct peer *p, const char *method, const char *const *args, unsigned n)
{
	return peer_send(p, method, strings(args, n));
}

static char *dump(const json_t *j)
{
	return need(json_is_string(j) ? strdup(json_string_value(j))
				      : json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY));
}

char *rpc_ask(struct peer *p, const char *method, const char *const *args, unsigned n, char **err)
{
	json_t *reply = peer_call(p, method, strings(args, n));
	json_t *error = json_object_get(reply, "error");
	char *text = NULL;

	*err = NULL;
	if (error && !json_is_null(error))
		*err = dump(error);
	else
		text = dump(json_object_get(reply, "result"));
	json_decref(reply);
	return text;
}

/* The method of the daemon that is nearest to one that it does not know, for a hint. */
static void hint_method(struct peer *p, const char *method, struct nearest *near)
{
	char *err, *list = rpc_ask(p, "list-commands", NULL, 0, &err), *line, *save;

	nearest_start(near, method);
	line = list ? strtok_r(list, "\n", &save) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &save)) {
		char name[64];

		if (*line == ' ' && sscanf(line, "%63s", name) == 1) {
			if (!strcmp(name, method)) {
				near->best[0] = '\0';
				break;
			}
			nearest_try(near, name);
		}
	}
	free(list);
	free(err);
}

static void print_text(const char *text)
{
	size_t n = strlen(text);

	fputs(text, stdout);
	if (n && text[n - 1] != '\n')
		putchar('\n');
}

/* Asks on a connection of its own; an error is printed and NULL returned. */
static char *ask_once(
	const struct options *o, const char *method, const char *const *args, unsigned n)
{
	struct nearest near;
	struct peer p;
	char *err, *text;

	rpc_open(&p, o);
	text = rpc_ask(&p, method, args, n, &err);
	if (!text && strstr(err, "not a valid command")) {
		hint_method(&p, method, &near);
		warn("%s: the daemon knows no such method%s (\"sluicectl call list-commands\" "
		     "lists them all)",
			method, nearest_hint(&near));
	} else if (!text) {
		warn("%s", err);
	}
	free(err);
	peer_close(&p);
	return text;
}

int rpc_run(const struct options *o, const char *method, const char *const *args, unsigned n)
{
	const char **all = need(calloc(n + 1, sizeof(*all)));
	char *text;

	for (unsigned i = 0; i < n; i++)
		all[i] = args[i];
	if (o->json)
		all[n++] = "--json";
	text = ask_once(o, method, all, n);
	free(all);
	if (!text)
		return EXIT_FAILED;
	print_text(text);
	free(text);
	return 0;
}

int rpc_run_text(const struct options *o, const char *key, const char *method,
	const char *const *args, unsigned n)
{
	char *text = ask_once(o, method, args, n);
	json_t *j;

	if (!text)
		return EXIT_FAILED;
	if (o->json) {
		j = need(json_pack("{s:s}", key, text));
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(j);
	} else {
		print_text(text);
	}
	free(text);
	return 0;
}
