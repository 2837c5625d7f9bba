/* SPDX-License-Identifier: Apache-2.0
 *
 * sluicectl: runs the commands of its command line.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/sluicectl/command.h"
#include "tools/sluicectl/help.h"
#include "tools/sluicectl/transaction.h"

#define MAX_TRIES 100   /* of a transaction that others keep overtaking */
#define MAX_COMMENT 400 /* characters */

/* ---- database commands ---- */

/* Runs all commands on a fresh copy; returns what they print. */
static char *run_commands(struct session *s)
{
	char *text = NULL;
	size_t size;

	model_init(&s->model, &s->schema);
	db_read_rows(&s->db, &s->model);
	s->status = 0;
	s->out = need(open_memstream(&text, &size));
	for (unsigned i = 0; i < s->o->n_commands; i++)
		command_named(s->o->commands[i].name)->db(s, &s->o->commands[i]);
	fclose(s->out);
	for (const struct symbol *sym = s->model.symbols; sym; sym = sym->next)
		if (!sym->row)
			fail("%s: used, but no \"--id=%s create\" or \"get\" makes it", sym->name,
				sym->name);
	return text;
}

/* Prints the text with the uuids that new rows got in the place of their names. */
static void print_with_ids(const char *text, const json_t *ids)
{
	while (*text) {
		const char *name, *end = text;
		size_t n = 0;
		json_t *id;

		json_object_foreach ((json_t *)ids, name, id)
			if (!strncmp(text, name, strlen(name)) && json_is_string(id)) {
				n = strlen(name);
				fputs(json_string_value(id), stdout);
				break;
			}
		if (n) {
			text += n;
			continue;
		}
		end = strstr(text + 1, "sluicectl_new_row_");
		n = end ? (size_t)(end - text) : strlen(text);
		fwrite(text, 1, n, stdout);
		text += n;
	}
}

/* What the server's log shall show. */
static char *comment(int argc, char **argv)
{
	char *text = NULL;
	size_t size;
	FILE *f = need(open_memstream(&text, &size));

	fputs("sluicectl", f);
	for (int i = 1; i < argc; i++)
		fprintf(f, " %s", argv[i]);
	fclose(f);
	if (need(text) && strlen(text) > MAX_COMMENT)
		memcpy(text + MAX_COMMENT - 3, "...", 4);
	return text;
}

static int run_database(const struct options *o, const char *what)
{
	struct session s = {.o = o};
	struct db_outcome done;
	char path[512], *text;
	unsigned tries = 0;

	snprintf(path, sizeof(path), "%s/db.sock", o->rundir);
	peer_open(&s.db, o->rundir, path, o->timeout_s);
	db_read_schema(&s.db, &s.schema);
	for (;;) {
		text = run_commands(&s);
		s.db.awaiting = "the database's answer to the change";
		if (db_commit(&s.db, &s.model, what, !o->no_wait, &done))
			break;
		if (++tries == MAX_TRIES)
			fail("others change the same rows all the time: gave up after %u tries",
				tries);
		free(text);
		json_decref(done.ids);
		model_free(&s.model);
	}
	print_with_ids(text, done.ids);
	fflush(stdout);
	if (!o->no_wait && done.sent) {
		db_wait_applied(&s.db, &done);
		db_report_interfaces(&s.db, &s.model);
	}
	free(text);
	json_decref(done.ids);
	model_free(&s.model);
	schema_free(&s.schema);
	peer_close(&s.db);
	return s.status;
}

/* ---- */

static int run(const struct options *o, int argc, char **argv)
{
	const struct command *first;
	char *what;
	int status;

	for (unsigned i = 0; i < o->n_commands; i++) {
		const struct command *c = command_find(&o->commands[i]);

		if (c->rpc && o->n_commands > 1)
			fail_usage(
				"%s stands alone: only commands that change or list the database "
				"can be joined with \"--\"",
				c->name);
	}
	first = command_named(o->commands[0].name);
	if (first->rpc)
		return first->rpc(o, &o->commands[0]);
	what = comment(argc, argv);
	status = run_database(o, what);
	free(what);
	return status;
}

int main(int argc, char **argv)
{
	struct options o;
	int status = 0;

	options_read(&o, argc, argv);
	if (o.help && o.n_commands && command_named(o.commands[0].name))
		help_command(command_named(o.commands[0].name));
	else if (o.help)
		help_program();
	else if (o.version)
		printf("sluicectl (Sluice) " SLUICE_VERSION "\n");
	else if (!o.n_commands)
		fail_usage(
			"what shall be done? \"sluicectl --help\" shows examples and all commands");
	else
		status = run(&o, argc, argv);
	options_free(&o);
	if (fflush(stdout) || ferror(stdout))
		fail("standard output cannot be written");
	return status;
}
