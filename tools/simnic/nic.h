/* SPDX-License-Identifier: Apache-2.0
 *
 * sluice-simnic: the model eSwitch as a whole.
 *
 * What: struct nic holds everything: profile, rules, ports, the uplink to the driver, clients.
 * One thread serves all of it from one epoll loop and sleeps when there is nothing to do.
 *
 *   kernel netdev -> port.c -> parse.c -> rules.c -> execute.c -> port.c -> kernel netdev
 *                                   miss -> uplink.c -> driver
 *                                   driver -> uplink.c -> port.c
 *   driver -> server.c (sockets) -> control.c (requests) -> rules.c, object.c, port.c, script.c
 */
#ifndef SLUICE_TOOLS_SIMNIC_NIC_H
#define SLUICE_TOOLS_SIMNIC_NIC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "drivers/sim/protocol.h"
#include "drivers/sim/ring.h"
#include "tools/simnic/object.h"
#include "tools/simnic/packet.h"
#include "tools/simnic/rules.h"
#include "tools/simnic/script.h"

struct nic;

/* Something in the epoll loop. */
struct nic_source {
	int fd;
	void (*ready)(struct nic *nic, struct nic_source *source, uint32_t events);
};

/* ---- ports ---- */

#define NIC_BURST 32
#define NIC_HEADROOM 1024 /* bytes before a frame: room for tags and outer headers */
#define NIC_BUFFER (NIC_HEADROOM + 8 + SIM_FRAME_MAX)

struct nic_port {
	struct nic_source source; /* first: an AF_PACKET socket */
	TAILQ_ENTRY(nic_port) next;
	uint32_t id, ifindex;
	char name[64];
	bool claimed;    /* by the driver that is attached now */
	uint32_t filter; /* handle of our TC filter on it */
	struct sim_port_stats stats;
	/* Frames on their way out: they point into buffers of the burst at hand. */
	unsigned n_out;
	struct iovec out[NIC_BURST][2];
	struct virtio_net_hdr out_vnet[NIC_BURST];
};

TAILQ_HEAD(nic_port_list, nic_port);

/* Makes the netdev a port (0 or -errno, words in text). The same again is 0; an id or a netdev that
 * is bound otherwise is bound anew. */
int nic_port_bind(struct nic *nic, const struct sim_bind *bind, char text[SIM_TEXT]);
int nic_port_unbind(struct nic *nic, uint32_t id); /* 0 or -ENOENT */
void nic_port_close(struct nic *nic, struct nic_port *port);
struct nic_port *nic_port_find(const struct nic *nic, uint32_t id);

void nic_port_stats_update(struct nic_port *port); /* adds what the kernel had to drop */

/* Queues the frame; it must stay as it is until nic_port_flush_all(). */
void nic_port_send(struct nic *nic, struct nic_port *port, const struct nic_packet *p);
void nic_port_flush_all(struct nic *nic);

/* Keeps frames that come in by the netdev from the host's stack. 0 or -errno, words in text. */
int nic_tcdrop_add(struct nic_port *port, char text[SIM_TEXT]);
void nic_tcdrop_remove(struct nic_port *port);

/* ---- execute.c ---- */

struct hal_flow_id;

/* What became of a packet in a list of steps. */
enum nic_outcome {
	NIC_DONE,
	NIC_DROPPED, /* to be counted */
	NIC_AGAIN,   /* it goes on in chain p->recirc */
	NIC_HAND_UP, /* to the driver, as it was when its chain was entered */
};

void nic_pipeline_run(struct nic *nic, struct nic_packet *p);
void nic_flow_id(struct nic_packet *p, struct hal_flow_id *id);

/* ---- rewrite.c ---- */

/* Does a step that rewrites the frame. False: it lacks the header. */
bool nic_rewrite(struct nic_packet *p, uint16_t type, const uint8_t *arg);
void nic_rewrite_tuple(struct nic_packet *p, const struct hal_connection *c);
bool nic_rewrite_dscp(struct nic_packet *p, uint8_t dscp);

/* ---- connection.c, tunnel.c: steps by their arguments on the control socket ---- */

#define NIC_MAX_CHARGED 8 /* CT steps of one program */

enum nic_outcome nic_ct_run(struct nic *nic, struct nic_packet *p, const uint8_t *arg);
void nic_ct_uncount(struct nic *nic); /* what nic->charged says */

bool nic_tunnel_push(struct nic *nic, struct nic_packet *p, const uint8_t *arg);
enum nic_outcome nic_tunnel_pop(struct nic *nic, struct nic_packet *p, const uint8_t *arg);

/* ---- segment.c ---- */

/* Calls `cb` for each frame that a super-frame makes. */
typedef void nic_segment_cb(struct nic *nic, struct nic_packet *frame, void *ctx);
void nic_segment(struct nic *nic, const struct nic_packet *p, nic_segment_cb *cb, void *ctx);

/* Bytes of the largest frame that will leave: of a super-frame its segments'. */
uint32_t nic_frame_len(const struct nic_packet *p);
uint32_t nic_frames(const struct nic_packet *p); /* how many a super-frame makes, else 1 */

/* ---- copy.c ---- */

#define NIC_COPIES 64

/* A copy with the first `len` bytes of the frame; false: too many. Done with in reverse order. */
bool nic_copy_make(
	struct nic *nic, struct nic_packet *copy, const struct nic_packet *p, uint32_t len);
void nic_copy_done(struct nic *nic, struct nic_packet *copy);
void nic_copies_free(struct nic *nic);

/* ---- uplink ---- */

struct nic_uplink {
	struct nic_source source; /* first: the doorbell of frames from the driver */
	void *memory;
	struct sim_ring up, down;
	bool attached;
};

/* Takes over the descriptors of an attaching HELLO (closed when no longer needed). 0 or -errno. */
int nic_uplink_attach(struct nic *nic, const int fds[SIM_FDS]);
void nic_uplink_detach(struct nic *nic);
bool nic_uplink_send(struct nic *nic, const struct nic_packet *p); /* false: dropped */

/* ---- the process ---- */

struct nic_client;
LIST_HEAD(nic_client_list, nic_client);

#define NIC_TOMBS 4096u /* final counters that are kept for a driver that missed them */

struct nic_tomb {
	struct hal_ufid ufid;
	struct sim_counter counter;
};

struct nic {
	const char *rundir, *name;
	const struct nic_profile *profile;
	int epoll;
	bool stop;
	uint32_t generation;
	uint64_t attached_ms; /* when the driver attached, monotonic */
	bool unclaimed;       /* there may be ports and objects that it does not want */
	struct nic_rules rules;
	struct nic_objects objects;
	struct nic_port_list ports;
	uint32_t n_ports;
	struct nic_uplink uplink;
	struct nic_source listener;
	struct nic_client_list clients;
	struct nic_client *driver; /* the client that is attached, or NULL */
	struct nic_script script;
	struct nic_tomb tombs[NIC_TOMBS];
	uint32_t n_tombs; /* ever made */
	uint64_t hits, misses, drops, chain_misses;
	uint8_t *copies[NIC_COPIES];
	unsigned n_copies;
	struct {
		struct nic_object *object;
		uint32_t len;
	} charged[NIC_MAX_CHARGED]; /* connections that the program at hand was counted on */
	unsigned n_charged;
	uint32_t ip_id;                 /* the last one given */
	bool dirty;                     /* some port has frames queued */
	uint8_t (*buffers)[NIC_BUFFER]; /* NIC_BURST of them */
};

uint64_t nic_now_ms(void); /* monotonic */
int nic_watch(struct nic *nic, struct nic_source *source, uint32_t events);
void nic_unwatch(struct nic *nic, struct nic_source *source);

/* server.c: 0 or -errno with a line on stderr */
int nic_server_open(struct nic *nic);
void nic_server_close(struct nic *nic);
bool nic_server_reachable(const struct nic *nic); /* its socket is still in the run directory */
void nic_client_send(struct nic *nic, struct nic_client *client, const void *msg, size_t len);

/* control.c: one request, with the descriptors that came with it (the callee closes them) */
void nic_control(struct nic *nic, struct nic_client *client, const uint8_t *msg, size_t len,
	int *fds, unsigned n_fds);
void nic_rules_reset(struct nic *nic); /* the device forgets everything but its ports */
void nic_counter_read(const struct nic *nic, struct nic_rule *rule, struct sim_counter *out);

/* control.c: completions that a fault script holds back until `now`. Returns when the next is due
 * in milliseconds, or -1. */
int nic_control_due(struct nic *nic, uint64_t now);
void nic_control_forget(struct nic *nic, const struct nic_client *client);

#endif
