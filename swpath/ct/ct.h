/* SPDX-License-Identifier: Apache-2.0
 *
 * Connection tracking, as the files of this folder share it.
 *
 * Table: buckets of nodes in singly linked lists, found by a hash that is the same for both
 * directions of a tuple. A connection without NAT has one node; with NAT a second one for the reply
 * tuple. Why not DPDK's rte_hash: it lives in DPDK memory (which cannot grow without hugepages) and
 * an insertion can move other entries around for long; why not hal/base/hmap.h: it has one writer.
 *
 * Locks: a lookup takes none and runs under RCU. A shard is a part of the buckets with a spinlock,
 * which is taken to insert a connection, to remove it, and when its timeout becomes shorter or it
 * stops being embryonic: a handful of times in a connection's life, a few dozen instructions each
 * time (the length of one bucket's list counts among them). Two shards are locked in order of their
 * numbers; where that cannot be, the second is only tried.
 *
 * Memory: connections lie in chunks, which the control thread makes ahead of need and which are
 * never given back while the table lives. A removed connection waits in `limbo` until the control
 * thread has handed it through RCU, then it can be taken again.
 *
 * Races that are left alone: the two directions of a TCP connection may be at work on two workers
 * at once. The states and largest windows are changed by compare-and-swap and are never lost;
 * sequence numbers are plain stores, of which one may be lost: the next packet of the direction
 * puts it right. Mark and label: the later writer wins, half by half.
 */
#ifndef SLUICE_SWPATH_CT_CT_H
#define SLUICE_SWPATH_CT_CT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_spinlock.h>

#include "hal/action.h"
#include "hal/ct_state.h"
#include "hal/key.h"
#include "hal/megaflow.h"
#include "hal/object.h"
#include "swpath/conntrack.h"
#include "swpath/packet.h"

#define CT_SHARDS 64          /* a power of two */
#define CT_BUCKETS (1u << 20) /* a power of two */
#define CT_LISTS 22           /* see expire.c */

/* One direction. All of it is compared, so there is no padding. */
struct __attribute__((may_alias)) ct_tuple {
	uint8_t src[16], dst[16];
	rte_be16_t src_port, dst_port; /* ICMP: the identifier in both */
	uint8_t src_type, dst_type;    /* ICMP: type in this direction and in the other, else 0 */
	uint16_t zone;
	uint8_t proto;
	uint8_t ipv6;
	uint8_t zero[2];
};
_Static_assert(sizeof(struct ct_tuple) == 44, "a tuple has no padding");

static inline bool ct_tuple_equal(const struct ct_tuple *a, const struct ct_tuple *b)
{
	return !memcmp(a, b, sizeof(*a));
}

void ct_tuple_reverse(const struct ct_tuple *t, struct ct_tuple *out);

struct ct_node {
	_Atomic(struct ct_node *) next;
	uint32_t hash;
	uint32_t dir; /* of the tuple that it is found by */
};

/* ct_conn.flags */
#define CT_ALIVE 0x01u   /* whole: may be listed */
#define CT_REMOVED 0x02u /* somebody takes it out, or did */
#define CT_ASSURED 0x04u /* not embryonic any more */
#define CT_TOLD 0x08u    /* ops->established was called */
#define CT_DEVICE 0x10u  /* a device carried packets of it */

struct ct_conn {
	/* what finds it, and what each packet writes */
	struct ct_tuple tuple[2]; /* as packets arrive: original and reply direction */
	struct ct_node node[2];
	_Atomic uint64_t expires_ms;
	_Atomic uint64_t seq[2];  /* TCP: seqhi << 32 | seqlo of each direction, see tcp.c */
	_Atomic uint32_t meta[2]; /* TCP: state << 24 | wscale << 16 | max_win; else state in [0] */
	_Atomic uint32_t mark;
	_Atomic uint32_t flags; /* CT_* */
	_Atomic uint64_t label[2];
	/* under the lock of the shard of node[0] */
	TAILQ_ENTRY(ct_conn) timer, embryo;
	_Atomic uint64_t look_ms; /* when expire.c looks at it again */
	uint8_t list;             /* of the shard's timers, or CT_LISTS: in none */
	bool embryonic;           /* in the shard's list of them */
	uint8_t nat;              /* HAL_NAT_SRC or HAL_NAT_DST; constant */
	bool two_nodes;           /* constant */
	uint32_t index;           /* in the pool; constant */
	_Atomic uint32_t generation;
	_Atomic uint32_t next_free; /* index + 1, in limbo and in the list of free ones */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct ct_conn) <= 320, "a connection with its share of the rest is small");

/* Connections are made so many at a time: as many as fit into a huge page. */
#define CT_CHUNK_BYTES (2u << 20)
#define CT_CHUNK ((uint32_t)(CT_CHUNK_BYTES / sizeof(struct ct_conn)))

TAILQ_HEAD(ct_list, ct_conn);

struct ct_shard {
	rte_spinlock_t lock;
	struct ct_list timer[CT_LISTS];
	struct ct_list embryos; /* oldest first */
} __attribute__((aligned(64)));

struct ct_zone {
	_Atomic(struct conntrack_timeouts *) timeouts; /* NULL: the defaults; RCU */
	_Atomic uint32_t limit;                        /* plus 1; 0: the default one */
	_Atomic uint32_t count;
};

struct ct_pool {
	_Atomic(struct ct_conn *) *chunk;
	_Atomic uint32_t made;  /* connections in chunks */
	_Atomic uint32_t taken; /* that were ever taken */
	uint32_t max;
	_Atomic uint64_t free;  /* tag << 32 | index + 1 of the first */
	_Atomic uint32_t limbo; /* index + 1 of the last that was removed */
};

/* What happens to connections, told to whoever can offload them (struct swpath_ops). */
struct ct_ops {
	void (*established)(void *ctx, const struct hal_connection dir[2], uint64_t id);
	void (*gone)(void *ctx, uint64_t id);
	void *ctx;
};

struct ct_frags;

struct conntrack {
	struct ct_ops ops;
	uint32_t basis; /* of hashes: a secret, so that nobody can aim at a bucket */
	_Atomic bool seq_check;
	_Atomic uint32_t n_conns, max_conns, default_limit;
	_Atomic uint64_t now_ms; /* of the last tick */
	_Atomic(struct ct_node *) *bucket;
	struct ct_zone *zone; /* 65536 */
	struct ct_pool pool;
	unsigned next_shard; /* where the next tick begins */
	struct ct_shard shard[CT_SHARDS];
	_Atomic uint64_t count[HAL_MAX_WORKERS + 1][CONNTRACK_COUNTER_MAX]; /* last: control */
};

#define CT_CONTROL HAL_MAX_WORKERS /* the control thread's place among the counters */

/* ---- open.c ---- */

/* A table of at most `max_conns`. NULL without memory. */
struct conntrack *ct_open(uint32_t max_conns, const struct ct_ops *ops);
void ct_close(struct conntrack *ct); /* no reader is left; ops are not called */

static inline void ct_count(struct conntrack *ct, unsigned worker, enum conntrack_counter c)
{
	_Atomic uint64_t *n = &ct->count[worker][c];

	/* One writer each. */
	atomic_store_explicit(
		n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Control thread: memory is made ready, what timed out goes. A bounded amount of work; returns
 * whether there is more to do. */
bool ct_tick(struct conntrack *ct, uint64_t now_ms);

/* ---- pool.c ---- */

int ct_pool_init(struct ct_pool *pool);
void ct_pool_destroy(struct ct_pool *pool);
void ct_pool_set_max(struct ct_pool *pool, uint32_t max_conns);
struct ct_conn *ct_pool_take(struct ct_pool *pool); /* zeroed but for index, generation; or NULL */
void ct_pool_untake(struct ct_pool *pool, struct ct_conn *c); /* nobody else ever saw it */
void ct_pool_give(struct ct_pool *pool, struct ct_conn *c);   /* readers may still look at it */
void ct_pool_tick(struct ct_pool *pool); /* control thread: grows, empties limbo */
struct ct_conn *ct_pool_get(const struct ct_pool *pool, uint32_t index);

static inline uint64_t ct_id(const struct ct_conn *c)
{
	return (uint64_t)atomic_load_explicit(&c->generation, memory_order_relaxed) << 32 |
	       c->index;
}

/* ---- table.c ---- */

uint32_t ct_hash(const struct conntrack *ct, const struct ct_tuple *t);

static inline _Atomic(struct ct_node *) *ct_bucket(const struct conntrack *ct, uint32_t hash)
{
	return &ct->bucket[hash % CT_BUCKETS];
}

/* The connection of a tuple, which *reply is set for if it is found by its reply direction. */
struct ct_conn *ct_lookup(const struct conntrack *ct, const struct ct_tuple *t, uint32_t hash,
	uint64_t now_ms, bool *reply);

/* Puts a connection in. 0, or -EEXIST if one of its tuples is taken. */
int ct_insert(struct conntrack *ct, struct ct_conn *c, uint64_t now_ms);

/* Takes a connection out, once. False if somebody else did. */
bool ct_remove(struct conntrack *ct, struct ct_conn *c);

/* Makes room by giving up an embryonic connection near `hash`. */
bool ct_evict(struct conntrack *ct, uint32_t hash);

/* Looks at one connection of a shard that is due. Whether it went; *more: there may be others. */
bool ct_expire_one(struct conntrack *ct, unsigned shard, uint64_t now_ms, bool *more);

/* The connection is due sooner than it is looked at, or is not embryonic any more. */
void ct_requeue(struct conntrack *ct, struct ct_conn *c, uint64_t now_ms);

/* ---- expire.c ---- */

void ct_timer_add(struct ct_shard *s, struct ct_conn *c, uint64_t now_ms);
void ct_timer_remove(struct ct_shard *s, struct ct_conn *c);
struct ct_conn *ct_timer_due(struct ct_shard *s, uint64_t now_ms);

/* ---- zone.c ---- */

uint32_t ct_timeout_ms(const struct conntrack *ct, uint16_t zone, enum conntrack_timeout t);
bool ct_zone_take(struct conntrack *ct, uint16_t zone); /* false: it is at its limit */
void ct_zone_give(struct conntrack *ct, uint16_t zone);
void ct_zones_destroy(struct conntrack *ct);

/* ---- extract.c ---- */

struct ct_tcp {
	uint32_t seq, ack, payload; /* host order; bytes */
	uint16_t flags, win;
	uint8_t wscale; /* of a SYN, as tcp.c keeps it */
};

/* What a pass through conntrack reads from a packet. */
struct ct_look {
	struct ct_tuple tuple;
	uint32_t hash;
	bool reply;
	bool related;        /* an ICMP error: the tuple is the inner packet's, turned around */
	uint8_t inner_proto; /* of an ICMP error */
	uint32_t inner_l3, inner_l4; /* bytes into the frame */
	struct ct_tcp tcp;
	bool sound; /* as ct_extract() returned */
};

/* Fragments of one datagram, in order. */
struct ct_datagram;

/* Reads a packet; `whole` is the datagram of which it is the first fragment, or NULL. False: it is
 * invalid, counted. */
bool ct_extract(struct conntrack *ct, unsigned worker, struct swpath_packet *p,
	const struct ct_datagram *whole, uint16_t zone, struct ct_look *look);

/* ---- tcp.c, proto.c ---- */

enum ct_result {
	CT_VALID,
	CT_STILL_NEW, /* valid, of a connection that is not established */
	CT_INVALID,
	CT_RENEW, /* begins a new connection in the place of the old one */
};

#define CT_WSCALE_KNOWN 0x80
#define CT_WSCALE_UNKNOWN 0x40 /* picked up in mid-stream */
#define CT_WSCALE_BITS 0x0f

enum ct_result ct_tcp_update(struct conntrack *ct, unsigned worker, struct ct_conn *c,
	const struct ct_look *look, uint64_t now_ms);
bool ct_tcp_valid_new(const struct ct_tcp *tcp);
enum conntrack_timeout ct_tcp_first(struct ct_conn *c, const struct ct_tcp *tcp);
uint8_t ct_tcp_wscale(const uint8_t *options, unsigned len);

enum ct_result ct_update(struct conntrack *ct, unsigned worker, struct ct_conn *c,
	const struct ct_look *look, uint64_t now_ms);
bool ct_valid_new(const struct ct_look *look);
void ct_first(struct conntrack *ct, struct ct_conn *c, const struct ct_look *look,
	uint64_t now_ms); /* sets the state of a new connection */
void ct_set_expires(struct conntrack *ct, struct ct_conn *c, enum conntrack_timeout t,
	uint64_t now_ms, bool assured);

/* ---- notify.c ---- */

void ct_tell_established(struct conntrack *ct, struct ct_conn *c);
void ct_tell_changed(struct conntrack *ct, struct ct_conn *c); /* its mark or label */
void ct_tell_gone(struct conntrack *ct, struct ct_conn *c);
void ct_touch(struct conntrack *ct, uint64_t id);

/* ---- nat.c, nat_packet.c ---- */

/* Chooses c->tuple[1], which no connection has. False: there is none. */
bool ct_nat_choose(
	struct conntrack *ct, struct ct_conn *c, const struct hal_act_ct *act, uint64_t now_ms);

/* Translates a packet; of an ICMP error the inner packet too. SWPATH_OK or the reason for which it
 * must be dropped. */
int ct_nat_packet(
	struct swpath_packet *p, const struct ct_look *look, const struct ct_conn *c, bool reply);
int ct_nat_follow(struct swpath_packet *p, const struct swpath_packet *first);
uint32_t ct_nat_state(const struct ct_conn *c, bool reply); /* HAL_CS_SNAT, HAL_CS_DNAT or 0 */

/* ---- process.c ---- */

/* What ct_process() will ask first of packets at a `zone`: read before, many packets at a time, so
 * that their connections are fetched together. p->look is left NULL where that is of no use. */
void ct_fetch(struct conntrack *ct, unsigned worker, struct swpath_packet *p, unsigned n,
	uint16_t zone, struct ct_look *looks);

/* Passes a packet (or the datagram `whole`, of which it is the first fragment) through conntrack:
 * its key gets ct_state and its like. SWPATH_OK or the reason for which it must be dropped. */
int ct_process(struct conntrack *ct, unsigned worker, struct swpath_packet *p,
	const struct ct_datagram *whole, const struct hal_act_ct *act, uint64_t now_ms);

/* Gives another fragment of the datagram what the first one got: ct_state and its like, addresses.
 * SWPATH_OK or the reason for which it must be dropped. */
int ct_follow(struct swpath_packet *p, const struct swpath_packet *first);

/* Marks a packet as invalid. */
void ct_write_invalid(struct swpath_packet *p, uint16_t zone);

/* ---- frag.c ---- */

/* What is left to do with a held fragment. The steps are the megaflow's; those of a program without
 * one are copied. */
struct ct_resume {
	struct hal_megaflow *mf; /* with a reference, or NULL */
	const void *steps;
	uint32_t len;
	unsigned nested;
};
#define CT_RESUME_COPY 128 /* bytes of steps that can be copied */

struct ct_held {
	struct ct_held *next; /* by offset */
	struct swpath_packet p;
	struct hal_key key;
	struct ct_resume resume;
	uint32_t off, len; /* bytes of the datagram's payload that it has */
	uint32_t at;       /* of them in the frame */
	bool more;
	uint64_t copy[CT_RESUME_COPY / 8];
};

struct ct_datagram_key {
	uint8_t src[16], dst[16];
	uint32_t id, recirc_id;
	uint16_t zone;
	uint8_t proto, ipv6;
	uint32_t zero;
};

struct ct_datagram {
	TAILQ_ENTRY(ct_datagram) age;
	LIST_ENTRY(ct_datagram) link;
	struct ct_datagram_key key;
	struct ct_held *first;
	unsigned n;
	uint32_t have, total; /* bytes of payload; total is 0 while it is not known */
	uint64_t since_ms;
};

#define CT_FRAGS 1000         /* held by a worker at most */
#define CT_DATAGRAMS 256      /* at most, a power of two */
#define CT_DATAGRAM_FRAGS 64  /* of one datagram */
#define CT_FRAG_MIN_IPV4 1200 /* bytes of IP packet, of all fragments but the last */
#define CT_FRAG_MIN_IPV6 1280
#define CT_FRAG_TIMEOUT_MS 15000

int ct_frags_init(struct ct_frags **out);
void ct_frags_destroy(struct ct_frags *f); /* frees what is held */

enum ct_frag_result {
	CT_FRAG_NONE,    /* no fragment: goes on as it is */
	CT_FRAG_INVALID, /* to be taken as invalid */
	CT_FRAG_TAKEN,   /* held */
	CT_FRAG_DONE,    /* held, and the datagram is whole: *whole, which the caller lets go */
};
enum ct_frag_result ct_frag_take(struct ct_frags *f, struct conntrack *ct, unsigned worker,
	struct swpath_packet *p, uint16_t zone, const struct ct_resume *resume, uint64_t now_ms,
	struct ct_datagram **whole);

/* Gives back what described a datagram whose packets went on. */
void ct_frag_release(struct ct_frags *f, struct ct_datagram *d);

/* Drops what has waited too long, each after it was shown to `lost`, which may be NULL. Returns the
 * number of fragments. */
typedef void ct_frag_lost(void *ctx, struct rte_mbuf *m);
unsigned ct_frag_expire(struct ct_frags *f, struct conntrack *ct, unsigned worker, uint64_t now_ms,
	ct_frag_lost *lost, void *ctx);

#endif
