/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluicectl/options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/fail.h"
#include "tools/sluicectl/nearest.h"

#define DEFAULT_RUNDIR "/run/sluice"
#define DEFAULT_TIMEOUT_S 30

enum {
	OPT_RUNDIR = 256,
	OPT_JSON,
	OPT_NO_WAIT,
	OPT_VERSION,
	OPT_ID,
	OPT_COLUMNS,
	OPT_SECONDS,
	OPT_SNAPLEN,
	OPT_WITH = 512
};

static const struct argp_option options[] = {
	{"rundir", OPT_RUNDIR, "DIR", 0,
		"sluiced's run directory (default: $OVS_RUNDIR, else " DEFAULT_RUNDIR ")", 0},
	{"timeout", 't', "SECONDS", 0, "how long to wait for an answer (default 30, 0: for ever)",
		0},
	{"json", OPT_JSON, NULL, 0, "print JSON, for programs to read", 0},
	{"no-wait", OPT_NO_WAIT, NULL, 0,
		"store a change, but do not wait until the switch has applied it", 0},
	{"help", 'h', NULL, 0, "this text; after a command, help on that command", 0},
	{"usage", 'U', NULL, OPTION_HIDDEN, NULL, 0},
	{"version", 'V', NULL, 0, "print sluicectl's version", 0},
	{0},
};

static const struct argp_option command_options[] = {
	{"may-exist", OPT_WITH + WITH_MAY_EXIST, NULL, OPTION_HIDDEN, NULL, 0},
	{"if-exists", OPT_WITH + WITH_IF_EXISTS, NULL, OPTION_HIDDEN, NULL, 0},
	{"strict", OPT_WITH + WITH_STRICT, NULL, OPTION_HIDDEN, NULL, 0},
	{"all", OPT_WITH + WITH_ALL, NULL, OPTION_HIDDEN, NULL, 0},
	{"id", OPT_ID, "@NAME", OPTION_HIDDEN, NULL, 0},
	{"columns", OPT_COLUMNS, "COLUMNS", OPTION_HIDDEN, NULL, 0},
	{"write", 'w', "FILE", OPTION_HIDDEN, NULL, 0},
	{"count", 'c', "N", OPTION_HIDDEN, NULL, 0},
	{"seconds", OPT_SECONDS, "N", OPTION_HIDDEN, NULL, 0},
	{"snaplen", OPT_SNAPLEN, "BYTES", OPTION_HIDDEN, NULL, 0},
	{0},
};

/* What the parser of one command fills. */
struct target {
	struct options *o;
	struct words *w;
};

static double read_timeout(const char *arg)
{
	char *end;
	double v = strtod(arg, &end);

	if (!*arg || *end || !(v >= 0) || v > 1e6)
		fail_usage("--timeout=%s: expected seconds, 0 to wait for ever", arg);
	return v;
}

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
	struct options *o = ((struct target *)state->input)->o;

	switch (key) {
	case OPT_RUNDIR:
		o->rundir = arg;
		return 0;
	case 't':
		o->timeout_s = read_timeout(arg);
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_NO_WAIT:
		o->no_wait = true;
		return 0;
	case 'h':
	case 'U':
		o->help = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* An option of a command that takes any value. */
static error_t keep(struct words *w, unsigned bit, const char **where, const char *arg)
{
	w->with |= bit;
	*where = arg;
	return 0;
}

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
	struct target *t = state->input;
	struct words *w = t->w;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = t;
		return 0;
	case ARGP_KEY_ARG:
		if (!w->name)
			w->name = arg;
		else
			w->args[w->n++] = arg;
		return 0;
	case OPT_ID:
		if (*arg != '@' || !arg[1])
			fail_usage("--id=%s: expected @NAME", arg);
		w->with |= WITH_ID;
		w->id = arg;
		return 0;
	case OPT_COLUMNS:
		return keep(w, WITH_COLUMNS, &w->columns, arg);
	case 'w':
		return keep(w, WITH_WRITE, &w->write, arg);
	case 'c':
		return keep(w, WITH_COUNT, &w->count, arg);
	case OPT_SECONDS:
		return keep(w, WITH_SECONDS, &w->seconds, arg);
	case OPT_SNAPLEN:
		return keep(w, WITH_SNAPLEN, &w->snaplen, arg);
	default:
		if (key <= OPT_WITH || key >= 2 * OPT_WITH)
			return ARGP_ERR_UNKNOWN;
		w->with |= (unsigned)key - OPT_WITH;
		return 0;
	}
}

static bool considered(
	const struct argp_option *list, const char *name, size_t n, struct nearest *near)
{
	for (; list->name; list++) {
		if (!strncmp(list->name, name, n))
			return true;
		nearest_try(near, list->name);
	}
	return false;
}

/* Names the nearest option where argp would only say that it knows none of this name. */
static void check_option(const char *word)
{
	size_t n = strcspn(word, "=");
	struct nearest near;
	char name[64];

	if (strncmp(word, "--", 2) || n - 2 >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(n - 2), word + 2);
	nearest_start(&near, name);
	if (!considered(options, name, n - 2, &near) &&
		!considered(command_options, name, n - 2, &near))
		fail_usage("--%s: unknown option%s%s%s", name,
			near.best[0] ? "; did you mean --" : "", near.best,
			near.best[0] ? "?" : " (\"sluicectl --help\" lists them all)");
}

static const struct argp global_argp = {options, parse_global, NULL, NULL, NULL, NULL, NULL};

/* Reads argv[first] to argv[end - 1], which hold one command. */
static void read_command(struct options *o, char **argv, int first, int end)
{
	static const struct argp_child children[] = {{&global_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		command_options, parse_command, NULL, NULL, children, NULL, NULL};
	struct words *w = &o->commands[o->n_commands];
	struct target t = {o, w};
	int n = end - first;
	/* argp wants the program's name first, and a NULL at the end. */
	char **part = need(calloc((size_t)n + 2, sizeof(*part)));

	*w = (struct words){.args = need(calloc((size_t)n + 1, sizeof(*w->args)))};
	part[0] = (char *)"sluicectl";
	for (int i = first; i < end; i++)
		check_option(argv[i]);
	memcpy(part + 1, argv + first, (size_t)n * sizeof(*part));
	argp_parse(&argp, n + 1, part, ARGP_NO_HELP, NULL, &t);
	free(part);
	if (w->name)
		o->n_commands++;
	else if (w->with)
		fail_usage("%s: which command is it for?", options_name(w->with & -w->with));
	else
		free(w->args);
}

void options_read(struct options *o, int argc, char **argv)
{
	const char *env = getenv("OVS_RUNDIR");
	int first = 1;

	*o = (struct options){.rundir = env && *env ? env : DEFAULT_RUNDIR,
		.timeout_s = DEFAULT_TIMEOUT_S,
		.commands = need(calloc((size_t)argc + 1, sizeof(struct words)))};
	argp_err_exit_status = EXIT_USAGE;
	for (int i = 1; i <= argc; i++)
		if (i == argc || !strcmp(argv[i], "--")) {
			read_command(o, argv, first, i);
			first = i + 1;
		}
}

void options_free(struct options *o)
{
	for (unsigned i = 0; i < o->n_commands; i++)
		free(o->commands[i].args);
	free(o->commands);
}

static const struct {
	unsigned bit;
	const char *name, *value;
} names[] = {
	{WITH_MAY_EXIST, "--may-exist", ""},
	{WITH_IF_EXISTS, "--if-exists", ""},
	{WITH_STRICT, "--strict", ""},
	{WITH_ALL, "--all", ""},
	{WITH_ID, "--id", "=@NAME"},
	{WITH_COLUMNS, "--columns", "=COLUMN,..."},
	{WITH_WRITE, "--write", "=FILE"},
	{WITH_COUNT, "--count", "=N"},
	{WITH_SECONDS, "--seconds", "=N"},
	{WITH_SNAPLEN, "--snaplen", "=BYTES"},
};

static unsigned name_of(unsigned bit)
{
	unsigned i = 0;

	while (i < sizeof(names) / sizeof(names[0]) - 1 && names[i].bit != bit)
		i++;
	return i;
}

const char *options_name(unsigned bit)
{
	return names[name_of(bit)].name;
}

const char *options_value(unsigned bit)
{
	return names[name_of(bit)].value;
}

char *words_joined(const struct words *w, unsigned first)
{
	char *text = NULL;
	size_t size;
	FILE *f = need(open_memstream(&text, &size));

	for (unsigned i = first; i < w->n; i++)
		fprintf(f, "%s%s", i > first ? " " : "", w->args[i]);
	fclose(f);
	return need(text);
}

void options_help(void)
{
	setenv("ARGP_HELP_FMT", "no-dup-args-note,rmargin=100", 0);
	argp_help(&global_argp, stdout, ARGP_HELP_LONG, (char *)"sluicectl");
}
