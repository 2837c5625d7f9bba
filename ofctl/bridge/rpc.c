/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/bridge/rpc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hal/base/log.h"
#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/ovsdb/jsonrpc.h"

LOG_DEFINE(rpc);

#define MAX_REQUEST (4u << 20) /* bytes */

struct rpc_client {
	LIST_ENTRY(rpc_client) link;
	struct rpc *rpc;
	struct bufferevent *bev; /* NULL once the peer went */
	struct ovsdb_framer framer;
	unsigned calls; /* not yet answered */
};

LIST_HEAD(rpc_client_list, rpc_client);

struct rpc {
	struct bridges *b;
	struct evconnlistener *listener;
	struct rpc_client_list clients;
	char path[160], pidfile[160];
	int pid_fd;
};

struct rpc_call {
	struct rpc_client *client;
	json_t *id;
	json_t *args; /* strings, without --json */
	bool json;
	rpc_handler *then;
	FILE *written; /* of rpc_writer() */
	char *text;    /* what was written */
	size_t size;
};

/* ---- clients ---- */

static void client_free_if_done(struct rpc_client *c)
{
	if (c->bev || c->calls)
		return;
	LIST_REMOVE(c, link);
	free(c);
}

static void client_hang_up(struct rpc_client *c)
{
	if (c->bev)
		bufferevent_free(c->bev);
	c->bev = NULL;
	client_free_if_done(c);
}

/* ---- calls ---- */

static void answer(struct rpc_call *call, json_t *result, json_t *error)
{
	struct rpc_client *c = call->client;
	json_t *msg = ovsdb_jsonrpc_reply(call->id, result, error);
	char *text = msg ? json_dumps(msg, JSON_COMPACT) : NULL;

	if (c->bev && text)
		evbuffer_add(bufferevent_get_output(c->bev), text, strlen(text));
	free(text);
	json_decref(msg);
	json_decref(call->id);
	json_decref(call->args);
	free(call);
	c->calls--;
	client_free_if_done(c);
}

void rpc_reply(struct rpc_call *call, const char *text)
{
	json_t *s = json_string(text);

	answer(call, s ? s : json_string("(the answer is not UTF-8)"), NULL);
}

void rpc_reply_json(struct rpc_call *call, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	json_decref(json);
	if (text)
		rpc_reply(call, text);
	else
		rpc_error(call, "out of memory");
	free(text);
}

struct bufferevent *rpc_reply_stream(struct rpc_call *call, json_t *json)
{
	struct rpc_client *c = call->client;
	struct bufferevent *bev;

	c->calls++; /* the answer shall not free it */
	rpc_reply_json(call, json);
	bev = c->bev;
	c->bev = NULL;
	c->calls--;
	client_free_if_done(c);
	return bev;
}

FILE *rpc_writer(struct rpc_call *call)
{
	FILE *f = open_memstream(&call->text, &call->size);

	call->written = f;
	if (!f)
		rpc_error(call, "out of memory");
	return f;
}

void rpc_reply_written(struct rpc_call *call)
{
	char *text;
	int error = fclose(call->written);

	text = call->text;
	if (error)
		rpc_error(call, "out of memory");
	else
		rpc_reply(call, text);
	free(text);
}

void rpc_error(struct rpc_call *call, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	answer(call, NULL, json_string(text));
}

void rpc_reply_printed(struct rpc_call *call, json_t *j, void (*print)(FILE *f, const json_t *j))
{
	FILE *f;

	if (!j) {
		rpc_error(call, "out of memory");
		return;
	}
	if (rpc_wants_json(call)) {
		rpc_reply_json(call, j);
		return;
	}
	f = rpc_writer(call);
	if (f) {
		print(f, j);
		rpc_reply_written(call);
	}
	json_decref(j);
}

void rpc_time(long long ms, char buf[32])
{
	const time_t s = (time_t)(ms / 1000);
	char text[24];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&s, &tm));
	snprintf(buf, 32, "%s.%03lld", text, ms % 1000);
}

struct bridges *rpc_bridges(const struct rpc_call *call)
{
	return call->client->rpc->b;
}

const char *rpc_arg(const struct rpc_call *call, int i)
{
	return json_string_value(json_array_get(call->args, (size_t)i));
}

int rpc_n_args(const struct rpc_call *call)
{
	return (int)json_array_size(call->args);
}

bool rpc_wants_json(const struct rpc_call *call)
{
	return call->json;
}

static void run_then(void *arg)
{
	struct rpc_call *call = arg;

	call->then(call);
}

void rpc_after_refresh(struct rpc_call *call, rpc_handler *then)
{
	call->then = then;
	pipeline_refresh(rpc_bridges(call)->cfg.pl, run_then, call);
}

void rpc_after_barrier(struct rpc_call *call, rpc_handler *then)
{
	call->then = then;
	pipeline_barrier(rpc_bridges(call)->cfg.pl, run_then, call);
}

struct bridge *rpc_bridge(struct rpc_call *call, int i)
{
	const char *name = rpc_arg(call, i);
	struct bridge *br;

	LIST_FOREACH (br, &rpc_bridges(call)->list, link)
		if (name && !strcmp(br->name, name))
			return br;
	rpc_error(call, "%s: no such bridge", name ? name : "");
	return NULL;
}

static const struct rpc_command *const command_tables[] = {rpc_flow_commands, rpc_group_commands,
	rpc_ct_commands, rpc_offload_commands, rpc_audit_commands, rpc_daemon_commands,
	rpc_tunnel_commands, rpc_capture_commands, rpc_capabilities_commands};

static const struct rpc_command *find_command(const char *name)
{
	for (size_t t = 0; t < sizeof(command_tables) / sizeof(command_tables[0]); t++)
		for (const struct rpc_command *c = command_tables[t]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

void rpc_list(FILE *f)
{
	fprintf(f, "The available commands are:\n");
	for (size_t t = 0; t < sizeof(command_tables) / sizeof(command_tables[0]); t++)
		for (const struct rpc_command *c = command_tables[t]; c->name; c++)
			fprintf(f, "  %-24s %s\n", c->name, c->usage);
}

/* Takes the arguments apart; false: they are not all strings. */
static bool take_args(struct rpc_call *call, json_t *params)
{
	size_t i;
	json_t *p;

	call->args = json_array();
	if (params && !json_is_array(params))
		return false;
	json_array_foreach (params, i, p) {
		if (!json_is_string(p))
			return false;
		if (!strcmp(json_string_value(p), "--json"))
			call->json = true;
		else
			json_array_append(call->args, p);
	}
	return call->args != NULL;
}

static void dispatch(struct rpc_client *c, json_t *msg)
{
	const char *method = json_string_value(json_object_get(msg, "method"));
	struct rpc_call *call = calloc(1, sizeof(*call));
	const struct rpc_command *cmd;
	int n;

	if (!call)
		return;
	call->client = c;
	call->id = json_incref(json_object_get(msg, "id"));
	c->calls++;
	if (!method || !take_args(call, json_object_get(msg, "params"))) {
		rpc_error(call, "expected a method and a list of strings as params");
		return;
	}
	cmd = find_command(method);
	n = rpc_n_args(call);
	if (!cmd)
		rpc_error(call,
			"\"%s\" is not a valid command (use \"list-commands\" to see "
			"a list of valid commands)",
			method);
	else if (n < cmd->min_args || n > cmd->max_args)
		rpc_error(call, "\"%s\" takes %d to %d arguments: %s %s", method, cmd->min_args,
			cmd->max_args, method, cmd->usage);
	else
		cmd->handler(call);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct rpc_client *c = arg;
	json_t *msg = NULL;
	char why[128];

	/* An answer may be all that holds the client. */
	c->calls++;
	while (c->bev) {
		if (ovsdb_framer_next(
			    &c->framer, bufferevent_get_input(bev), MAX_REQUEST, &msg, why)) {
			log_warn("client dropped: %s", why);
			bufferevent_free(c->bev);
			c->bev = NULL;
			break;
		}
		if (!msg)
			break;
		dispatch(c, msg);
		json_decref(msg);
	}
	c->calls--;
	client_free_if_done(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	client_hang_up(arg);
}

static void on_accept(
	struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct rpc *r = arg;
	struct rpc_client *c = calloc(1, sizeof(*c));

	(void)l;
	(void)sa;
	(void)len;
	if (!c) {
		close(fd);
		return;
	}
	c->rpc = r;
	c->bev = bufferevent_socket_new(r->b->cfg.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev) {
		close(fd);
		free(c);
		return;
	}
	LIST_INSERT_HEAD(&r->clients, c, link);
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* ---- the socket ---- */

/* The file stays open and locked while the daemon lives: clients take an unlocked one for left over
 * by a daemon that died. Returns the descriptor or -errno. */
static int write_pidfile(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), error;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &lock) || ftruncate(fd, 0) ||
		dprintf(fd, "%d\n", (int)getpid()) < 0) {
		error = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
		close(fd);
		return error;
	}
	return fd;
}

int rpc_open(struct bridges *b, struct rpc **out)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct rpc *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->b = b;
	LIST_INIT(&r->clients);
	snprintf(r->path, sizeof(r->path), "%s/sluiced.%d.ctl", b->cfg.rundir, (int)getpid());
	snprintf(r->pidfile, sizeof(r->pidfile), "%s/sluiced.pid", b->cfg.rundir);
	if (strlen(r->path) >= sizeof(sa.sun_path)) {
		log_err("%s: the path is too long for a socket", r->path);
		error = -ENAMETOOLONG;
		goto free_rpc;
	}
	memcpy(sa.sun_path, r->path, strlen(r->path) + 1);
	unlink(r->path);
	r->listener = evconnlistener_new_bind(b->cfg.base, on_accept, r,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 64, (struct sockaddr *)&sa,
		sizeof(sa));
	if (!r->listener) {
		error = -errno;
		log_err("%s: %s", r->path, strerror(errno));
		goto free_rpc;
	}
	r->pid_fd = write_pidfile(r->pidfile);
	if (r->pid_fd < 0) {
		error = r->pid_fd;
		log_err("%s: %s", r->pidfile,
			error == -EBUSY ? "another sluiced runs here" : strerror(-error));
		goto close_listener;
	}
	*out = r;
	return 0;

close_listener:
	evconnlistener_free(r->listener);
	unlink(r->path);
free_rpc:
	free(r);
	return error;
}

void rpc_close(struct rpc *r)
{
	struct rpc_client *c, *next;

	for (c = LIST_FIRST(&r->clients); c; c = next) {
		next = LIST_NEXT(c, link);
		if (c->bev) {
			/* The answer to "exit" is still to be read. */
			struct evbuffer *o = bufferevent_get_output(c->bev);

			evbuffer_write(o, bufferevent_getfd(c->bev));
		}
		client_hang_up(c);
	}
	evconnlistener_free(r->listener);
	unlink(r->path);
	unlink(r->pidfile);
	close(r->pid_fd);
	free(r);
}
