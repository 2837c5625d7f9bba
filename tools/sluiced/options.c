/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sluiced/options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/log.h"
#include "hal/megaflow.h"

const char *argp_program_version = "sluiced (Sluice) " SLUICE_VERSION;

static const char doc[] =
	"Sluice's switch daemon: serves the configuration database, runs the bridges it describes, "
	"and puts flows into hardware where the hardware does exactly what they say."
	"\vIt stays in the foreground and logs to standard error.\n\n"
	"Examples:\n"
	"  sluiced\n"
	"      run with the database in " SLUICE_LOCALSTATEDIR "/lib/sluice and sockets in "
	"/run/sluice\n"
	"  sluiced --rundir /tmp/one\n"
	"      a second, separate switch with everything in /tmp/one\n"
	"  OVS_RUNDIR=/run/sluice ovs-vsctl show\n"
	"      stock tools find the sockets there\n";

enum { OPT_RUNDIR = 256, OPT_DB_FILE, OPT_LOG_FILE, OPT_LIBEXEC, OPT_REMOTE, OPT_CLEANUP };

static const struct argp_option options[] = {
	{"rundir", OPT_RUNDIR, "DIR", 0, "sockets and pid file (default /run/sluice)", 0},
	{"db-file", OPT_DB_FILE, "FILE", 0,
		"the database (default conf.db, in DIR if --rundir is given)", 0},
	{"remote", OPT_REMOTE, "REMOTE", 0,
		"also serve the database at ptcp:PORT[:IP] or punix:PATH", 0},
	{"workers", 'w', "N", 0,
		"threads that forward packets (default: as the database says, or 1)", 0},
	{"worker-cpus", 'c', "MASK", 0, "CPUs to pin them to, as a hexadecimal mask", 0},
	{"memory", 'm', "MB", 0, "memory for packets (default: sized by itself)", 0},
	{"log-file", OPT_LOG_FILE, "FILE", 0, "log there too", 0},
	{"verbose", 'v', "LEVEL", OPTION_ARG_OPTIONAL,
		"log level: off, err, warn, info, dbg (without LEVEL: dbg)", 0},
	{"libexec", OPT_LIBEXEC, "DIR", 0, "where sluice-simnic is", 0},
	{"cleanup", OPT_CLEANUP, NULL, 0, "delete internal network devices when ending", 0},
	{0},
};

static unsigned number(const char *what, const char *arg, unsigned max, struct argp_state *state)
{
	char *end;
	unsigned long v = strtoul(arg, &end, 10);

	if (!*arg || *end || v < 1 || v > max)
		argp_error(state, "--%s=%s: expected a number from 1 to %u", what, arg, max);
	return (unsigned)v;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char *end;

	switch (key) {
	case OPT_RUNDIR:
		o->rundir = arg;
		break;
	case OPT_DB_FILE:
		o->db_file = strdup(arg);
		break;
	case OPT_LOG_FILE:
		o->log_file = arg;
		break;
	case OPT_LIBEXEC:
		o->libexec = arg;
		break;
	case OPT_REMOTE:
		if (o->n_remotes == sizeof(o->remotes) / sizeof(o->remotes[0]))
			argp_error(state, "too many --remote");
		o->remotes[o->n_remotes++] = arg;
		break;
	case OPT_CLEANUP:
		o->cleanup = true;
		break;
	case 'w':
		o->workers = number("workers", arg, HAL_MAX_WORKERS, state);
		break;
	case 'm':
		o->memory_mb = number("memory", arg, 65536, state);
		break;
	case 'c':
		o->worker_cpus = strtoull(arg, &end, 16);
		if (!*arg || *end)
			argp_error(state, "--worker-cpus=%s: expected a mask such as 0x6", arg);
		break;
	case 'v':
		o->log_level = arg ? log_level_parse(arg) : LOG_LEVEL_DBG;
		if (o->log_level < 0)
			argp_error(
				state, "--verbose=%s: expected off, err, warn, info or dbg", arg);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": sluiced takes no arguments", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_read(struct options *o, int argc, char **argv)
{
	static const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};

	*o = (struct options){.log_level = -1};
	argp_parse(&argp, argc, argv, 0, NULL, o);
	if (!o->db_file && asprintf(&o->db_file, "%s/conf.db",
				   o->rundir ? o->rundir : SLUICE_LOCALSTATEDIR "/lib/sluice") < 0)
		exit(1);
	if (!o->rundir)
		o->rundir = "/run/sluice";
}
