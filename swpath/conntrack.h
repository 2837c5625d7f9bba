/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection tracking of the software path: what the control plane asks and sets.
 *
 * What: one table of connections for all zones, which CT steps of action programs fill and consult.
 * Here it is listed, flushed, bounded, and given timeouts.
 *
 * Bounds: at most `max_conns` connections, with one of at most 400 bytes each. When the table is
 * full, connections that were never answered (of TCP: whose handshake never came to an end) make
 * room, the oldest first; connections in use never do.
 *
 * Threads: everything is called by the control thread unless it says otherwise.
 */
#ifndef SLUICE_SWPATH_CONNTRACK_H
#define SLUICE_SWPATH_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/object.h"

struct conntrack;
struct swpath;

#define CONNTRACK_MAX_CONNS 2000000        /* by default */
#define CONNTRACK_MAX_CONNS_LIMIT 16000000 /* that can be asked for */

struct conntrack *swpath_conntrack(struct swpath *sp);

/* ---- timeouts ---- */

/* TIMEOUT(ID, name as in the keys of CT_Timeout_Policy.timeouts, seconds by default) */
#define CONNTRACK_TIMEOUTS(TIMEOUT)                        \
	TIMEOUT(TCP_SYN_SENT, "tcp_syn_sent", 30)          \
	TIMEOUT(TCP_SYN_RECV, "tcp_syn_recv", 30)          \
	TIMEOUT(TCP_ESTABLISHED, "tcp_established", 86400) \
	TIMEOUT(TCP_FIN_WAIT, "tcp_fin_wait", 900)         \
	TIMEOUT(TCP_TIME_WAIT, "tcp_time_wait", 45)        \
	TIMEOUT(TCP_CLOSE, "tcp_close", 30)                \
	TIMEOUT(UDP_FIRST, "udp_first", 60)                \
	TIMEOUT(UDP_SINGLE, "udp_single", 60)              \
	TIMEOUT(UDP_MULTIPLE, "udp_multiple", 30)          \
	TIMEOUT(ICMP_FIRST, "icmp_first", 60)              \
	TIMEOUT(ICMP_REPLY, "icmp_reply", 30)

enum conntrack_timeout {
#define TIMEOUT(ID, ...) CONNTRACK_TIMEOUT_##ID,
	CONNTRACK_TIMEOUTS(TIMEOUT)
#undef TIMEOUT
		CONNTRACK_TIMEOUT_MAX,
};

struct conntrack_timeouts {
	uint32_t seconds[CONNTRACK_TIMEOUT_MAX]; /* 0: the default */
};

/* The timeout of a name, or CONNTRACK_TIMEOUT_MAX. The case of letters does not matter. */
enum conntrack_timeout conntrack_timeout_by_name(const char *name);

/* Timeouts of the connections of a zone, from their next packets on; NULL: the defaults. 0 or
 * -ENOMEM. */
int conntrack_set_timeouts(
	struct conntrack *ct, uint16_t zone, const struct conntrack_timeouts *timeouts);
void conntrack_get_timeouts(
	const struct conntrack *ct, uint16_t zone, struct conntrack_timeouts *out);

/* ---- connections ---- */

/* States of one direction of a TCP connection, as Open vSwitch numbers and names them. */
#define CONNTRACK_TCP_STATES(STATE) \
	STATE(CLOSED)               \
	STATE(LISTEN)               \
	STATE(SYN_SENT)             \
	STATE(SYN_RECV)             \
	STATE(ESTABLISHED)          \
	STATE(CLOSE_WAIT)           \
	STATE(FIN_WAIT_1)           \
	STATE(CLOSING)              \
	STATE(LAST_ACK)             \
	STATE(FIN_WAIT_2)           \
	STATE(TIME_WAIT)

enum conntrack_tcp_state {
#define STATE(ID) CONNTRACK_TCP_##ID,
	CONNTRACK_TCP_STATES(STATE)
#undef STATE
		CONNTRACK_TCP_STATE_MAX,
};
const char *conntrack_tcp_state_name(enum conntrack_tcp_state state);

/* One direction as its packets arrive. IPv4 addresses are in the first 4 bytes. */
struct conntrack_tuple {
	uint8_t src[16], dst[16];
	rte_be16_t src_port, dst_port; /* TCP, UDP */
	rte_be16_t id;                 /* ICMP, ICMPv6 */
	uint8_t type, code;            /* the same */
};

struct conntrack_entry {
	struct conntrack_tuple orig, reply;
	uint16_t zone;
	uint8_t proto;
	bool ipv6;
	uint32_t mark;
	uint8_t label[16];   /* network order */
	uint32_t timeout_ms; /* left */
	uint64_t id;
	struct {
		enum conntrack_tcp_state state;
		uint8_t wscale;
		bool has_wscale;
		bool liberal; /* picked up in mid-stream: its window scale is not known */
	} tcp[2];             /* of the two directions */
};

/* Calls `cb` for each connection (of one zone, or of all with zone -1) that has not timed out.
 * Returns when the callback answers false. The callback must not flush. */
typedef bool conntrack_dump_cb(void *ctx, const struct conntrack_entry *entry);
void conntrack_dump(struct conntrack *ct, int zone, conntrack_dump_cb *cb, void *ctx);

/* Which connections to forget: those that match in every member that `has` names. */
struct conntrack_match {
	uint32_t has; /* CONNTRACK_HAS_* */
	struct conntrack_entry entry;
};
#define CONNTRACK_HAS_ZONE 0x0001u
#define CONNTRACK_HAS_PROTO 0x0002u
#define CONNTRACK_HAS_FAMILY 0x0004u
/* Of the original direction; shifted left by CONNTRACK_HAS_REPLY of the reply direction. */
#define CONNTRACK_HAS_SRC 0x0010u
#define CONNTRACK_HAS_DST 0x0020u
#define CONNTRACK_HAS_SRC_PORT 0x0040u
#define CONNTRACK_HAS_DST_PORT 0x0080u
#define CONNTRACK_HAS_ICMP_ID 0x0100u
#define CONNTRACK_HAS_ICMP_TYPE 0x0200u
#define CONNTRACK_HAS_ICMP_CODE 0x0400u
#define CONNTRACK_HAS_REPLY 12 /* bits */

/* Forgets connections; NULL: all. Returns how many. */
unsigned conntrack_flush(struct conntrack *ct, const struct conntrack_match *match);

/* ---- bounds ---- */

uint32_t conntrack_n_conns(const struct conntrack *ct); /* any thread */
uint32_t conntrack_max_conns(const struct conntrack *ct);

/* 0, or -EINVAL if it is 0 or above CONNTRACK_MAX_CONNS_LIMIT. Fewer than there are take force as
 * connections end. */
int conntrack_set_max_conns(struct conntrack *ct, uint32_t max);

/* Limits of zones: 0 is no limit. A zone without a limit of its own has the default one. */
void conntrack_set_default_limit(struct conntrack *ct, uint32_t limit);
uint32_t conntrack_default_limit(const struct conntrack *ct);
void conntrack_set_limit(struct conntrack *ct, uint16_t zone, uint32_t limit);
bool conntrack_del_limit(struct conntrack *ct, uint16_t zone); /* had it one? */
/* Whether the zone has a limit of its own; *limit is the one in force, *count its connections. */
bool conntrack_get_limit(
	const struct conntrack *ct, uint16_t zone, uint32_t *limit, uint32_t *count);

/* Whether TCP packets outside of the windows are invalid (yes by default). While it is so, TCP
 * connections are not told to devices, which do not look at windows: both paths are to be alike. */
void conntrack_set_tcp_seq_check(struct conntrack *ct, bool on);
bool conntrack_tcp_seq_check(const struct conntrack *ct);

/* ---- counters ---- */

/* COUNT(ID, name, what it means) */
#define CONNTRACK_COUNTERS(COUNT)                                                                \
	COUNT(CREATED, "created", "connections committed")                                       \
	COUNT(EXPIRED, "expired", "connections that timed out")                                  \
	COUNT(EARLY_DROP, "early_drop", "unanswered connections that made room for new ones")    \
	COUNT(FULL, "full", "connections not committed: the table was full")                     \
	COUNT(NO_MEMORY, "no_memory", "connections not committed: no memory was ready")          \
	COUNT(ZONE_LIMIT, "zone_limit", "connections not committed: the zone was at its limit")  \
	COUNT(NAT_EXHAUSTED, "nat_exhausted",                                                    \
		"connections not committed: no free address and port")                           \
	COUNT(BAD_CHECKSUM, "bad_checksum", "packets with a wrong checksum")                     \
	COUNT(BAD_HEADER, "bad_header", "packets whose headers cannot be tracked")               \
	COUNT(BAD_FLAGS, "bad_flags", "TCP packets whose flags contradict each other")           \
	COUNT(BAD_WINDOW, "bad_window", "TCP packets outside of the windows")                    \
	COUNT(FRAG_HELD, "frag_held", "fragments held for their datagram")                       \
	COUNT(FRAG_WHOLE, "frag_whole", "datagrams that became whole")                           \
	COUNT(FRAG_SMALL, "frag_small", "fragments too small, taken as invalid")                 \
	COUNT(FRAG_OVERLAP, "frag_overlap", "fragments that overlap others, taken as invalid")   \
	COUNT(FRAG_FULL, "frag_full", "fragments for which there was no room, taken as invalid") \
	COUNT(FRAG_TIMEOUT, "frag_timeout", "fragments whose datagram never became whole, dropped")

enum conntrack_counter {
#define COUNT(ID, ...) CONNTRACK_N_##ID,
	CONNTRACK_COUNTERS(COUNT)
#undef COUNT
		CONNTRACK_COUNTER_MAX,
};
const char *conntrack_counter_name(enum conntrack_counter c);
uint64_t conntrack_count(const struct conntrack *ct, enum conntrack_counter c); /* any thread */

/* ---- devices ---- */

/* A device carried packets of the connection `id` (struct swpath_ops, ct_established) lately: it
 * does not time out. Since the device saw packets that this table did not, windows are not held
 * against its later TCP packets. Any thread; an id that is gone is ignored. */
void swpath_ct_touch(struct swpath *sp, uint64_t id, uint64_t packets);

#endif
