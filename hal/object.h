/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects: what rules of a device refer to by number.
 *
 * What: the description of each type of object, as hal_object.arg carries it, and what is counted
 * there. The software path takes the same descriptions of meters.
 * Thread-safety: plain data.
 */
#ifndef SLUICE_HAL_OBJECT_H
#define SLUICE_HAL_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/action.h"
#include "hal/key.h"

/* No object's id: deleting it deletes all of the type that no rule uses. */
#define HAL_OBJECT_ALL UINT32_MAX

/* ---- HAL_OBJECT_METER: OpenFlow 1.3, 5.7 ---- */

enum hal_band_type {
	HAL_BAND_DROP,
	HAL_BAND_DSCP_REMARK, /* raises the drop precedence of an assured-forwarding DSCP (RFC 2597)
				 by prec_level */
};

struct hal_band {
	uint32_t type;       /* enum hal_band_type */
	uint32_t rate;       /* kb/s (of 1000 bits) or packets/s */
	uint32_t burst;      /* kb or packets; 0: of one second at the rate */
	uint32_t prec_level; /* DSCP_REMARK */
};

#define HAL_METER_BANDS 16

/* Of all bands whose rate is exceeded the one with the highest rate applies. */
struct hal_meter {
	bool pktps; /* rates and bursts are in packets, else in kilobits */
	uint32_t n_bands;
	struct hal_band band[HAL_METER_BANDS];
};

struct hal_meter_stats {
	uint64_t packets, bytes;                                             /* that came to it */
	uint64_t band_packets[HAL_METER_BANDS], band_bytes[HAL_METER_BANDS]; /* that a band took */
	bool no_band_bytes; /* a device did not count them: band_bytes say less */
};

/* ---- HAL_OBJECT_TUNNEL: an end of tunnels ---- */

enum hal_tunnel_type { HAL_TUNNEL_VXLAN, HAL_TUNNEL_GENEVE };

/* TUNNEL_PUSH and TUNNEL_POP name it by its port. */
struct hal_tunnel {
	uint32_t type;    /* enum hal_tunnel_type */
	uint16_t udp_dst; /* host order */
	uint16_t pad;
	uint32_t port; /* datapath id of the tunnel port; also the object's id */
};

/* ---- HAL_OBJECT_GROUP: several copies at once ---- */

/* Buckets one after another, each a struct hal_bucket followed by its steps. Every bucket gets the
 * packet as it was before the group. */
struct hal_bucket {
	uint32_t len; /* bytes of steps that follow, a multiple of 8 */
	uint32_t pad;
};

struct hal_group {
	uint32_t n_buckets;
	uint32_t len; /* bytes of buckets */
	uint64_t buckets[];
};

/* ---- HAL_OBJECT_MIRROR: copies for somebody who watches ---- */

struct hal_mirror {
	uint32_t port;    /* where copies go, datapath id */
	uint32_t max_len; /* bytes of a copy, 0: all */
};

/* ---- HAL_OBJECT_CONNECTION: one direction of an established connection ---- */

/* What a CT step of the device does for packets of this tuple in this zone: ct_state, mark and
 * label are written into the key and addresses and ports are translated. A CT step without a
 * connection, or on a TCP packet with SYN, FIN or RST set, hands the packet up as it was when its
 * chain was entered. */
struct hal_connection {
	uint16_t zone;
	uint8_t ip_proto;
	bool ipv6;
	rte_be16_t tp_src, tp_dst;
	uint8_t src[16], dst[16]; /* IPv4 in the first 4 bytes */
	uint32_t ct_state;        /* HAL_CS_* */
	uint32_t mark;
	uint8_t label[16];
	/* NAT: what the tuple becomes; the same where nothing is translated. */
	rte_be16_t new_tp_src, new_tp_dst;
	uint8_t new_src[16], new_dst[16];
	/* The original direction's tuple before translation, for ct_nw_src and its like. */
	rte_be16_t orig_tp_src, orig_tp_dst;
	uint8_t orig_src[16], orig_dst[16];
};

/* ---- what a device counted ---- */

struct hal_object_stats {
	uint64_t packets, bytes;       /* GROUP, MIRROR, CONNECTION; TUNNEL: what came out of it */
	uint64_t tx_packets, tx_bytes; /* TUNNEL: what was put into it, without outer headers */
	struct hal_meter_stats meter;  /* METER */
};

#endif
