/* SPDX-License-Identifier: Apache-2.0
 *
 * The far ends of the switches' ports.
 *
 * What: packet sockets on the veth ends t1 to tN and on the LOCAL netdev of each switch's network
 * namespace, and an OpenFlow connection to each for packet-ins. The same packets go to every
 * switch, some tens at a time, and what comes out is kept.
 * Thread-safety: one thread.
 */
#ifndef SLUICE_TESTS_DIFF_WIRE_H
#define SLUICE_TESTS_DIFF_WIRE_H

#include "program.h"

#define MAX_SWITCHES 6
#define UNDERLAY                                                                                  \
	(PORTS + 1)          /* port 7, of another bridge: tunnels leave by it; it may be missing \
			      */
#define PORT_CONTROLLER 0xfd /* in struct output: a packet-in */

#define OUTPUT_NO_COOKIE UINT64_MAX

struct output {
	uint32_t seq;
	uint16_t len;
	uint8_t port;    /* 0: LOCAL, 1 to PORTS, PORT_CONTROLLER */
	uint8_t *bytes;  /* CONTROLLER: reason, table and in_port come before the frame */
	uint64_t cookie; /* CONTROLLER: as it was sent, OUTPUT_NO_COOKIE: of no certain flow */
};

struct port_count {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes; /* as the switch sees it */
};

struct channel;

struct peer {
	char name[32], netns[64], mgmt[256], local[16];
	bool lossy;             /* may lose packets, but do nothing else wrong */
	int sock[UNDERLAY + 1]; /* -1: there is no such port */
	struct channel *of;
	struct output *out;
	unsigned n_out, cap_out;
	struct port_count count[UNDERLAY + 1];
	uint32_t fences; /* ports whose fence came back */
	uint64_t strays;
};

struct wire {
	struct peer peer[MAX_SWITCHES];
	unsigned n_peers;
	int epoll;
	uint16_t program;
	uint32_t muted; /* ports that get no fences: nothing can be sent to them */
	uint32_t fence_round;
	uint64_t last_ns; /* when something came in */
};

/* Opens the sockets of a peer whose names are filled in; message on stderr, 0 or -errno. */
int wire_open(struct wire *w, struct peer *p);
void wire_close(struct wire *w);

/* A new program: forgets what came out. */
void wire_reset(struct wire *w, uint16_t program);

/* Sends a frame to every switch's port. */
void wire_send(struct wire *w, unsigned port, const uint8_t *frame, unsigned len);

/* Takes what comes out until all switches agree on its number, or nothing came for a while. */
void wire_settle(struct wire *w, unsigned quiet_ms, unsigned limit_ms);

/* Sends a frame behind all others on each port and waits for each to come back. Returns the
 * number of fences that did not. */
unsigned wire_fence(struct wire *w);

/* Records an output of a peer (used by the OpenFlow channel). */
void peer_output(struct wire *w, struct peer *p, unsigned port, const uint8_t *prefix,
	unsigned prefix_len, const uint8_t *frame, unsigned len, const uint8_t cookie[8]);

/* ---- channel.c: just enough OpenFlow 1.3 to get packet-ins ---- */

struct channel *channel_open(const char *path);
void channel_close(struct channel *c);
int channel_fd(const struct channel *c);
/* Reads what is there; gives packet-ins to peer_output(). 0, or -errno when the peer is gone. */
int channel_read(struct channel *c, struct wire *w, struct peer *p);

#endif
