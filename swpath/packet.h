/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet while its action program runs.
 *
 * What: the mbuf, its key, where its headers are, and which of the latter two an edit has made
 * stale. Edits alter the bytes only; whoever needs the key or the layers after an edit asks for
 * them here, and the packet is parsed again only then.
 *
 * Errors: functions that can fail return SWPATH_OK or the enum swpath_drop with which the packet
 * has to be dropped; they do not drop it.
 *
 * Thread-safety: a packet belongs to one worker.
 */
#ifndef SLUICE_SWPATH_PACKET_H
#define SLUICE_SWPATH_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "hal/action.h"
#include "hal/key.h"
#include "hal/megaflow.h"
#include "swpath/parse.h"
#include "swpath/swpath.h"

#define SWPATH_OK (-1)

/* Bytes of a key that the headers of most packets are in, and most metadata. */
#define SWPATH_KEY_HOT offsetof(struct hal_key, nd_target)

struct ct_conn;
struct ct_look;

/* What connection tracking (swpath/ct) just said of a packet. RCU: good for the burst at hand. */
struct swpath_ct_seen {
	struct ct_conn *conn; /* NULL: nothing that still holds */
	bool reply, related;
};

struct swpath_packet {
	struct rte_mbuf *m;       /* NULL once it went out or was dropped */
	struct rte_mempool *pool; /* for copies */
	struct hal_key *key;
	struct swpath_layers ly;
	bool key_stale, layers_stale;
	bool lean;               /* for sure there is nothing in the key behind SWPATH_KEY_HOT */
	uint8_t recircs;         /* recirculations so far */
	uint32_t max_len;        /* TRUNC: at most so many bytes at the next output; 0: all */
	struct hal_megaflow *mf; /* whose program runs, NULL if it is nobody's */
	struct swpath_ct_seen ct;
	const struct ct_look *look; /* what its first step, a CT, reads; NULL: not read yet */
};

/* Parses headers of an mbuf into the (zeroed) header members of `key`. Headers that are not in the
 * first segment are looked at as far as 256 bytes into the packet. */
void swpath_packet_parse(const struct rte_mbuf *m, struct hal_key *key, struct swpath_layers *ly);

/* swpath_parse_common() of an mbuf. */
bool swpath_packet_parse_common(const struct rte_mbuf *m, rte_be32_t in_port, struct hal_key *key,
	struct swpath_layers *ly);

/* Bring layers, or key and layers, up to date after edits. */
void swpath_packet_layers(struct swpath_packet *p);
void swpath_packet_key(struct swpath_packet *p);

/* Makes the first `need` bytes writable and contiguous: data shared with another mbuf is copied to
 * one from `pool`. NO_MBUF, or HEADER if the packet is shorter. */
int swpath_mbuf_make_writable(struct rte_mbuf **m, struct rte_mempool *pool, uint32_t need);

static inline int swpath_mbuf_writable(
	struct rte_mbuf **pm, struct rte_mempool *pool, uint32_t need)
{
	const struct rte_mbuf *m = *pm;

	if (likely(m->nb_segs == 1 && RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 &&
		    need <= m->data_len))
		return SWPATH_OK;
	return swpath_mbuf_make_writable(pm, pool, need);
}

static inline int swpath_packet_writable(struct swpath_packet *p, uint32_t need)
{
	return swpath_mbuf_writable(&p->m, p->pool, need);
}

/* Cuts to `len` bytes; a shorter packet stays. Other mbufs that share the data are not touched. */
void swpath_mbuf_cut(struct rte_mbuf *m, uint32_t len);

/* Bytes of the largest frame that will leave: of a super-frame its segments', else the packet's. */
uint32_t swpath_packet_frame_len(struct swpath_packet *p);

/* ---- edits (vlan.c, mpls.c, pbb.c, set_field.c, ttl.c) ---- */

/* Make room for `n` bytes at `at`, or take them out: what is before is moved. */
int swpath_packet_insert(struct swpath_packet *p, uint32_t at, uint32_t n);
int swpath_mbuf_insert(struct rte_mbuf **m, struct rte_mempool *pool, uint32_t at, uint32_t n);
int swpath_packet_delete(struct swpath_packet *p, uint32_t at, uint32_t n);

int swpath_push_vlan(struct swpath_packet *p, const struct hal_act_vlan *act);
int swpath_mbuf_push_vlan(
	struct rte_mbuf **m, struct rte_mempool *pool, const struct hal_act_vlan *act);
int swpath_pop_vlan(struct swpath_packet *p);
int swpath_push_mpls(struct swpath_packet *p, const struct hal_act_mpls *act);
int swpath_pop_mpls(struct swpath_packet *p, const struct hal_act_mpls *act);
int swpath_push_pbb(struct swpath_packet *p, const struct hal_act_pbb *act);
int swpath_pop_pbb(struct swpath_packet *p);
/* Between the outermost MPLS label and the header below it; `in`: into that. */
int swpath_copy_ttl(struct swpath_packet *p, bool in);
int swpath_set_field(struct swpath_packet *p, const struct hal_act_set *act);
int swpath_dec_ttl(struct swpath_packet *p);

/* What a changed header member means for checksums: bits. */
enum swpath_sum {
	SWPATH_SUM_NONE = 0,
	SWPATH_SUM_IP = 1,     /* IPv4 header */
	SWPATH_SUM_PSEUDO = 2, /* the pseudo-header: IPv6 address */
	SWPATH_SUM_ADDR = 3,   /* IPv4 address: both */
	SWPATH_SUM_L4 = 4,     /* transport header or message */
};

/* Corrects the checksums `which` (bits) after the bytes that they cover changed their sums
 * (swpath/checksum.h). Not for the transport header of SCTP. */
struct swpath_sums {
	uint64_t ip, pseudo, l4;
};
void swpath_sums_changed(struct swpath_packet *p, uint32_t which, const struct swpath_sums *sums);

/* Overwrites `n` bytes at `at` and corrects the checksums. The bytes are writable; `at` is an even
 * number of bytes into its header unless n is 1. */
void swpath_rewrite(
	struct swpath_packet *p, uint32_t at, const void *bytes, unsigned n, enum swpath_sum sum);

#endif
