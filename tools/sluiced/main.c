/* SPDX-License-Identifier: Apache-2.0
 *
 * sluiced: puts the layers together, and takes them apart again.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "hal/base/log.h"
#include "hal/base/rcu.h"
#include "ofctl/bridge/bridge.h"
#include "ofctl/bridge/start_config.h"
#include "ofctl/openflow/agent.h"
#include "ofctl/ovsdb/ovsdb.h"
#include "ofctl/pipeline/pipeline.h"
#include "offload/objects.h"
#include "offload/offload.h"
#include "swpath/conntrack.h"
#include "swpath/swpath.h"
#include "tools/sluiced/cpus.h"
#include "tools/sluiced/options.h"

LOG_DEFINE(sluiced);

#define REST_TRIES 30 /* seconds that workers on a crowded machine get for coming to rest */

struct daemon {
	struct event_base *base;
	struct ovsdb *db;
	struct of_agents *agents;
	struct pipeline *pl;
	struct host *host;
	struct swpath *sp;
	struct offload *ol;
	_Atomic(struct offload *)
		tracked; /* hears of connections from workers; NULL: nobody does */
	struct bridges *bridges;
	struct start_config start;
};

static void port_changed(void *ctx, uint32_t port)
{
	struct daemon *d = ctx;

	if (d->bridges)
		bridges_port_changed(d->bridges, port);
}

/* swpath's questions to the pipeline; port changes go to the bridge layer. */
static struct hal_megaflow *translate(void *ctx, unsigned worker, const struct hal_key *key,
	const struct rte_mbuf *pkt, bool *cache)
{
	return pipeline_translate(((struct daemon *)ctx)->pl, worker, key, pkt, cache);
}

/* Connections that the software path tracks go to devices, and what devices carry of them keeps
 * them alive. */
static void ct_established(void *ctx, const struct hal_connection dir[2], uint64_t id)
{
	struct offload *ol = atomic_load(&((struct daemon *)ctx)->tracked);

	if (ol)
		offload_connection_set(ol, id, dir); /* what is not taken stays in software */
}

static void ct_gone(void *ctx, uint64_t id)
{
	struct offload *ol = atomic_load(&((struct daemon *)ctx)->tracked);

	if (ol)
		offload_connection_gone(ol, id);
}

static void connection_hit(void *ctx, uint64_t id, uint64_t packets)
{
	swpath_ct_touch(((struct daemon *)ctx)->sp, id, packets);
}

static void withdrawn(void *ctx, struct hal_megaflow *mf)
{
	pipeline_withdrawn(((struct daemon *)ctx)->pl, mf);
}

static bool found(void *ctx, const struct hal_ufid *ufid, const struct hal_cmatch *match,
	const struct hal_program *program)
{
	return pipeline_found(((struct daemon *)ctx)->pl, ufid, match, program);
}

static void to_controller(void *ctx, unsigned worker, const struct hal_act_controller *act,
	const struct rte_mbuf *pkt, const struct hal_key *key)
{
	pipeline_to_controller(((struct daemon *)ctx)->pl, worker, act, pkt, key);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)what;
	log_info("ending: %s", strsignal((int)sig));
	event_base_loopexit(arg, NULL);
}

/* Controllers ask for it. */
static void ct_flush(void *ctx, const struct conntrack_match *match)
{
	struct daemon *d = ctx;

	conntrack_flush(swpath_conntrack(d->sp), match);
}

static int make_directory(const char *path)
{
	if (!mkdir(path, 0755) || errno == EEXIST)
		return 0;
	log_err("%s: %s", path, strerror(errno));
	return -errno;
}

static int make_directories(const struct options *o)
{
	char *copy = strdup(o->db_file), *slash = copy ? strrchr(copy, '/') : NULL;
	int error = make_directory(o->rundir);

	if (!error && slash && slash != copy) {
		*slash = '\0';
		error = make_directory(copy);
	}
	free(copy);
	return error;
}

static int open_database(struct daemon *d, const struct options *o)
{
	char remote[256];
	int error = ovsdb_open(&d->db, d->base, o->db_file);

	if (error) {
		log_err("%s: the database cannot be opened: %s", o->db_file, strerror(-error));
		return error;
	}
	snprintf(remote, sizeof(remote), "punix:%s/db.sock", o->rundir);
	error = ovsdb_listen(d->db, remote);
	if (error)
		log_err("%s: %s", remote, strerror(-error));
	for (unsigned i = 0; i < o->n_remotes && !error; i++) {
		error = ovsdb_listen(d->db, o->remotes[i]);
		if (error)
			log_err("--remote=%s: %s", o->remotes[i], strerror(-error));
	}
	return error;
}

/* Which CPUs workers are pinned to, which the other threads keep to, and DPDK's part. What the
 * command line says counts more than the database. */
static void place(
	const struct options *o, const struct start_config *start, struct swpath_config *sc)
{
	uint64_t allowed = cpus_allowed(), others;

	sc->n_workers = o->workers ? o->workers : 1;
	sc->worker_cpus = o->worker_cpus;
	if (!o->workers && !o->worker_cpus && start->pmd_cpus) {
		sc->worker_cpus = start->pmd_cpus & cpus_usable();
		if (sc->worker_cpus != start->pmd_cpus)
			log_warn("other_config:pmd-cpu-mask=%#llx: only %#llx can be used",
				(unsigned long long)start->pmd_cpus,
				(unsigned long long)sc->worker_cpus);
		sc->n_workers = (unsigned)__builtin_popcountll(sc->worker_cpus);
		if (sc->n_workers > HAL_MAX_WORKERS)
			sc->n_workers = HAL_MAX_WORKERS;
		if (!sc->n_workers)
			sc->n_workers = 1;
	}
	others = start->lcore_cpus & cpus_usable();
	if (!others)
		others = allowed & ~sc->worker_cpus;
	if (others && others != allowed)
		cpus_confine(others);
	sc->dpdk_memory_mb = o->memory_mb ? o->memory_mb : start->socket_mem_mb;
	sc->dpdk_hugepages = !o->memory_mb && start->socket_mem_mb;
	sc->dpdk_extra = start->dpdk_extra[0] ? start->dpdk_extra : NULL;
}

static int open_paths(struct daemon *d, const struct options *o)
{
	struct pipeline_ops events = {0};
	struct host_ops host;
	struct swpath_config sc = {
		.base = d->base,
		.rundir = o->rundir,
		.ops = {.translate = translate,
			.to_controller = to_controller,
			.ct_established = ct_established,
			.ct_gone = ct_gone,
			.port_changed = port_changed,
			.ctx = d},
	};
	/* Rules of a former run that no packet asked for in this time are removed. */
	struct offload_config oc = {.adopt_grace_ms = 5000};
	char err[256] = "";
	int error;

	d->agents = of_agents_create(d->base);
	if (!d->agents)
		return -ENOMEM;
	of_agents_events(d->agents, &events);
	of_agents_set_ops(d->agents, &(struct of_agents_ops){ct_flush, d});
	error = pipeline_open(d->base, &events, &d->pl);
	if (error)
		return error;
	start_config_read(d->db, &d->start);
	place(o, &d->start, &sc);
	pipeline_set_workers(d->pl, sc.n_workers);
	error = swpath_open(&sc, &d->sp, err, sizeof(err));
	if (error) {
		log_err("the software path cannot start: %s", err[0] ? err : strerror(-error));
		return error;
	}
	oc.ops.withdrawn = withdrawn;
	oc.ops.connection_hit = connection_hit;
	oc.ops.found = found;
	oc.ops.ctx = d;
	error = offload_open(&oc, &d->ol);
	if (error)
		return error;
	atomic_store(&d->tracked, d->ol);
	pipeline_set_paths(d->pl, d->sp, d->ol);
	host = pipeline_host_ops(d->pl);
	error = host_open(d->base, &host, &d->host);
	if (error)
		return error;
	pipeline_set_host(d->pl, d->host);
	return 0;
}

static int open_all(struct daemon *d, const struct options *o)
{
	struct bridges_config bc;
	int error = make_directories(o);

	if (error)
		return error;
	d->base = event_base_new();
	if (!d->base || rcu_init())
		return -ENOMEM;
	error = open_database(d, o);
	if (!error)
		error = open_paths(d, o);
	if (error)
		return error;
	bc = (struct bridges_config){d->base, d->db, d->sp, d->ol, d->pl, d->agents, o->rundir,
		o->libexec ? o->libexec : SLUICE_LIBEXECDIR, d->host, d->start};
	return bridges_open(&bc, &d->bridges);
}

static void close_all(struct daemon *d, bool cleanup)
{
	if (d->bridges)
		bridges_close(d->bridges, !cleanup);
	d->bridges = NULL;
	atomic_store(&d->tracked, NULL);
	/* A worker may be telling offload of a connection just now: it has to be out of there. */
	for (unsigned i = 0; d->sp && i < REST_TRIES && swpath_sync(d->sp, 1000); i++)
		log_warn("workers have not come to rest for 1 s");
	if (d->ol)
		offload_close(d->ol);
	if (d->sp)
		swpath_close(d->sp, !cleanup);
	if (d->host)
		host_close(d->host);
	if (d->pl) {
		pipeline_set_host(d->pl, NULL);
		pipeline_set_paths(d->pl, NULL, NULL);
		pipeline_close(d->pl);
	}
	if (d->agents)
		of_agents_free(d->agents);
	ovsdb_close(d->db);
	if (d->base)
		event_base_free(d->base);
}

static void run(struct daemon *d)
{
	struct event *term = evsignal_new(d->base, SIGTERM, on_signal, d->base);
	struct event *intr = evsignal_new(d->base, SIGINT, on_signal, d->base);

	if (term && intr) {
		event_add(term, NULL);
		event_add(intr, NULL);
#ifdef HAVE_SYSTEMD
		sd_notify(0, "READY=1");
#endif
		log_info("ready");
		event_base_dispatch(d->base);
	}
	if (term)
		event_free(term);
	if (intr)
		event_free(intr);
}

int main(int argc, char **argv)
{
	struct daemon d = {0};
	struct options o;
	int error;

	options_read(&o, argc, argv);
	if (o.log_level >= 0)
		log_set_level(NULL, (enum log_level)o.log_level);
	if (o.log_file && (error = log_set_file(o.log_file)))
		fprintf(stderr, "sluiced: --log-file=%s: %s\n", o.log_file, strerror(-error));
	signal(SIGPIPE, SIG_IGN);
	evthread_use_pthreads();
	error = open_all(&d, &o);
	if (!error)
		run(&d);
	close_all(&d, o.cleanup);
	free(o.db_file);
	if (error)
		fprintf(stderr, "sluiced: cannot start: %s\n", strerror(-error));
	return error ? 1 : 0;
}
