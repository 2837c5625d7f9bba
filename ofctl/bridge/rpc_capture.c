/* SPDX-License-Identifier: Apache-2.0
 *
 * RPC commands that capture packets: the answer is followed, on the same connection, by a pcapng
 * file. The client ends the capture by closing its side; then come what was still on its way and
 * each interface's statistics, and the connection is closed.
 *
 * A client that does not read fast enough has copies lost, and counted, in the rings of the
 * workers: what waits to be sent is bounded. One that dies takes its capture with it.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/base/log.h"
#include "ofctl/bridge/bridge_priv.h"
#include "ofctl/bridge/capture_what.h"
#include "ofctl/bridge/pcapng.h"
#include "ofctl/bridge/rpc.h"

LOG_DEFINE(capture);

#define TICK_US 10000          /* rings are emptied */
#define MAX_WAITING (1u << 20) /* bytes that wait for the client */
#define DEFAULT_SNAPLEN 262144 /* bytes, the most that readers of pcapng take */

/* An interface of the file. */
struct face {
	uint32_t port; /* HAL_PORT_NONE: of packets without one */
	uint64_t taken;
};

struct capture {
	LIST_ENTRY(capture) link; /* in bridges.captures */
	struct bridges *b;
	struct rpc_call *call; /* until it is answered */
	struct bufferevent *bev;
	struct event *tick;
	struct capture_what what;
	struct swpath_capture *sw;
	struct offload_hold *hold;
	struct pcapng file;
	uint64_t start_ns;
	bool ended;        /* nothing more is copied */
	bool complete;     /* all was written */
	uint32_t *face_of; /* number of the interface by port, plus one */
	struct face *faces;
	unsigned n_faces, room;
};

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void end_hold(struct capture *c)
{
	if (c->hold)
		offload_hold_end(c->b->cfg.ol, c->hold);
	c->hold = NULL;
}

static void capture_free(struct capture *c)
{
	LIST_REMOVE(c, link);
	end_hold(c);
	swpath_capture_close(c->sw);
	if (c->tick)
		event_free(c->tick);
	if (c->bev)
		bufferevent_free(c->bev);
	capture_what_free(&c->what);
	free(c->face_of);
	free(c->faces);
	free(c);
}

void captures_close(struct bridges *b)
{
	while (!LIST_EMPTY(&b->captures))
		capture_free(LIST_FIRST(&b->captures));
}

/* ---- interfaces of the file ---- */

/* Names of the interfaces whose packets come and go by the port: of tunnels there may be several.
 */
static void name_port(
	struct bridges *b, uint32_t port, char *name, size_t n, char *description, size_t dn)
{
	struct bridge *br;
	struct iface *i;
	size_t used = 0;

	snprintf(name, n, "%s", port == HAL_PORT_NONE ? "(none)" : "(gone)");
	snprintf(description, dn, "%s",
		port == HAL_PORT_NONE ? "packets that came in by no port"
				      : "a port that was taken away");
	LIST_FOREACH (br, &b->list, link)
		LIST_FOREACH (i, &br->ifaces, link) {
			if (port == HAL_PORT_NONE || capture_port_of(i) != port || used >= n)
				continue;
			used += (size_t)snprintf(
				name + used, n - used, "%s%s", used ? "," : "", i->want.name);
			snprintf(description, dn, "port of bridge %s", br->name);
		}
}

/* The file's number of a port's interface, which is described there first if it is new. */
static uint32_t face_number(struct capture *c, uint32_t port)
{
	char name[256], description[100];

	if (c->face_of[port])
		return c->face_of[port] - 1;
	if (c->n_faces == c->room) {
		struct face *more = realloc(c->faces, (c->room * 2 + 8) * sizeof(*more));

		if (!more) {
			c->file.failed = true;
			return 0;
		}
		c->faces = more;
		c->room = c->room * 2 + 8;
	}
	name_port(c->b, port, name, sizeof(name), description, sizeof(description));
	c->faces[c->n_faces++] = (struct face){port, 0};
	c->face_of[port] = c->n_faces;
	return pcapng_interface(&c->file, name, description);
}

/* All that packets can be of, so that a file without packets tells something too. */
static void begin_file(struct capture *c)
{
	struct hal_match m = {0};
	uint32_t only = HAL_PORT_NONE;
	struct bridge *br;
	struct iface *i;

	pcapng_begin(&c->file, bufferevent_get_output(c->bev), c->what.cfg.snaplen, "sluiced",
		c->what.text);
	if (c->what.match)
		hal_cmatch_expand(c->what.match, &m);
	if (m.mask.dp.in_port)
		only = rte_be_to_cpu_32(m.value.dp.in_port);
	LIST_FOREACH (br, &c->b->list, link)
		LIST_FOREACH (i, &br->ifaces, link) {
			uint32_t port = capture_port_of(i);

			if (port != HAL_PORT_NONE && (only == HAL_PORT_NONE || only == port) &&
				swpath_capture_has_port(c->what.cfg.ports, port))
				face_number(c, port);
		}
	if (!c->n_faces)
		face_number(c, HAL_PORT_NONE);
}

/* ---- packets ---- */

static void write_packet(
	void *ctx, const struct swpath_captured *rec, const struct swpath_captured_data *data)
{
	struct capture *c = ctx;
	uint32_t n = face_number(c, rec->port);
	struct pcapng_packet pkt = {.interface = n,
		.time_ns = rec->time_ns,
		.way = rec->way == SWPATH_CAPTURED_OUT ? PCAPNG_OUT : PCAPNG_IN,
		.len = rec->len,
		.part = {data->part[0], data->part[1]},
		.part_len = {data->len[0], data->len[1]}};
	char comment[160];

	if (c->file.failed)
		return;
	if (rec->way == SWPATH_CAPTURED_DROP) {
		enum swpath_drop why = (enum swpath_drop)rec->why;

		snprintf(comment, sizeof(comment), "dropped: %s: %s", swpath_drop_name(why),
			swpath_drop_meaning(why));
		pkt.comment = comment;
	}
	c->faces[n].taken++;
	pcapng_packet(&c->file, &pkt);
}

static void complete_file(struct capture *c)
{
	uint64_t now = wall_ns();

	/* A port all of whose packets were lost has its interface too. */
	if (swpath_capture_lost_all(c->sw))
		for (uint32_t port = 0; port <= HAL_PORT_MAX; port++)
			if (swpath_capture_lost(c->sw, port))
				face_number(c, port);
	for (unsigned i = 0; i < c->n_faces; i++) {
		uint64_t lost = swpath_capture_lost(c->sw, c->faces[i].port);

		pcapng_statistics(&c->file, i, c->start_ns, now, c->faces[i].taken + lost, lost);
	}
	c->complete = true;
}

/* Moves copies from the rings to the client, as far as it reads. Frees the capture in the end. */
static void pump(struct capture *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	size_t waiting = evbuffer_get_length(out);
	unsigned taken = 0;

	if (waiting < MAX_WAITING)
		taken = swpath_capture_read(c->sw, MAX_WAITING - waiting, write_packet, c);
	if (c->ended && !c->complete && waiting < MAX_WAITING && !taken)
		complete_file(c);
	if (c->file.failed) {
		log_warn("%s: out of memory: the capture breaks off", c->what.text);
		capture_free(c);
	} else if (c->complete && !evbuffer_get_length(out)) {
		capture_free(c);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	(void)bev;
	pump(arg);
}

/* There is nothing more to ask on this connection. */
static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);

	(void)arg;
	evbuffer_drain(in, evbuffer_get_length(in));
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct capture *c = arg;

	(void)bev;
	if (!(what & BEV_EVENT_EOF) || (what & BEV_EVENT_WRITING)) {
		capture_free(c);
		return;
	}
	swpath_capture_stop(c->sw);
	end_hold(c);
	c->ended = true;
	pump(c);
}

/* ---- the call ---- */

struct count {
	struct capture *c;
	unsigned device;
	json_int_t software, hardware;
};

static void count_megaflow(void *ctx, const struct pl_megaflow_info *info)
{
	const struct hal_megaflow *mf = info->mf;
	struct hal_rule rule = {
		.ufid = mf->ufid, .match = mf->match, .program = mf->program, .chain = mf->chain};
	struct hal_offload_slot slot;
	struct count *n = ctx;

	if (!capture_what_concerns(&n->c->what, &rule))
		return;
	offload_slot_read(n->c->b->cfg.ol, mf, n->device, &slot);
	n->software +=
		slot.placement == PLACEMENT_REFUSED && slot.reason.code == HAL_REASON_CAPTURED;
	n->hardware += slot.placement == PLACEMENT_PLACED || slot.placement == PLACEMENT_REMOVING;
}

/* For each device, how many megaflows were brought to software, and how many it would not let go.
 */
static json_t *devices_json(struct capture *c)
{
	struct offload *ol = c->b->cfg.ol;
	json_t *list = json_array();

	for (unsigned d = 0; d < offload_device_count(ol); d++) {
		struct count n = {.c = c, .device = d};

		if (!offload_device(ol, d))
			continue;
		pipeline_megaflows(c->b->cfg.pl, count_megaflow, &n);
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I}", "device",
				      hal_device_name(offload_device(ol, d)), "software",
				      n.software, "hardware", n.hardware));
	}
	return list;
}

/* All that was in a device is in software now. */
static void begin_stream(struct rpc_call *call)
{
	const struct timeval every = {.tv_usec = TICK_US};
	struct bridges *b = rpc_bridges(call);
	struct capture *c;

	LIST_FOREACH (c, &b->captures, link)
		if (c->call == call)
			break;
	if (!c) {
		rpc_error(call, "the capture is gone");
		return;
	}
	c->call = NULL;
	c->bev = rpc_reply_stream(call, json_pack("{s:s, s:s, s:o}", "what", c->what.text, "note",
						c->what.note, "devices", devices_json(c)));
	c->tick = event_new(b->cfg.base, -1, EV_PERSIST, on_tick, c);
	if (!c->bev || !c->tick || event_add(c->tick, &every)) {
		capture_free(c);
		return;
	}
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	begin_file(c);
}

/* "snaplen=BYTES" */
static bool read_snaplen(const char *text, uint32_t *snaplen)
{
	unsigned long v;
	char *end;

	*snaplen = DEFAULT_SNAPLEN;
	if (!text)
		return true;
	if (strncmp(text, "snaplen=", 8) || text[8] < '0' || text[8] > '9')
		return false;
	v = strtoul(text + 8, &end, 10);
	*snaplen = (uint32_t)v;
	return !*end && v >= 1 && v <= DEFAULT_SNAPLEN;
}

static int capture_open(struct capture *c, char *err, size_t n)
{
	int error = swpath_capture_open(c->b->cfg.sp, &c->what.cfg, &c->sw);

	if (!error)
		error = offload_hold_begin(
			c->b->cfg.ol, capture_what_concerns, &c->what, c->what.text, &c->hold);
	if (error == -EBUSY)
		snprintf(err, n, "%d captures run already, and more at once there cannot be",
			SWPATH_MAX_CAPTURES);
	else if (error)
		snprintf(err, n, "%s", strerror(-error));
	return error;
}

static void start(struct rpc_call *call)
{
	struct capture *c = calloc(1, sizeof(*c));
	char err[600] = "";
	uint32_t snaplen;

	if (!c) {
		rpc_error(call, "out of memory");
		return;
	}
	if (!read_snaplen(rpc_arg(call, 1), &snaplen)) {
		rpc_error(call, "%s: expected snaplen=BYTES, of 1 to %d", rpc_arg(call, 1),
			DEFAULT_SNAPLEN);
		free(c);
		return;
	}
	c->b = rpc_bridges(call);
	if (capture_what_read(c->b, rpc_arg(call, 0), &c->what, err, sizeof(err))) {
		rpc_error(call, "%s", err);
		free(c);
		return;
	}
	c->what.cfg.snaplen = snaplen;
	c->call = call;
	c->start_ns = wall_ns();
	c->face_of = calloc(HAL_PORT_MAX + 1, sizeof(*c->face_of));
	LIST_INSERT_HEAD(&c->b->captures, c, link);
	if (!c->face_of)
		snprintf(err, sizeof(err), "out of memory");
	if (!c->face_of || capture_open(c, err, sizeof(err))) {
		rpc_error(call, "%s", err);
		capture_free(c);
		return;
	}
	rpc_after_barrier(call, begin_stream);
}

static void list(struct rpc_call *call)
{
	FILE *f = rpc_writer(call);

	if (!f)
		return;
	capture_what_list(rpc_bridges(call), f);
	rpc_reply_written(call);
}

const struct rpc_command rpc_capture_commands[] = {
	{"capture/start", "PORT|MATCH|DROP-REASON [snaplen=BYTES]", 1, 2, start},
	{"capture/list", "", 0, 0, list},
	{NULL, NULL, 0, 0, NULL},
};
