/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets put into tunnels and taken out of them: VXLAN and Geneve, over IPv4 and IPv6.
 *
 * Thread-safety: as swpath/packet.h.
 */
#ifndef SLUICE_SWPATH_TUNNEL_H
#define SLUICE_SWPATH_TUNNEL_H

#include "swpath/packet.h"

struct swpath_worker;

/* TUNNEL_PUSH: headers go before the packet, which must be no super-frame. `ip_id` is the outer
 * IPv4 identification. The key's metadata are those of a packet that came through no tunnel and no
 * connection tracking. SWPATH_OK or a reason to drop. */
int swpath_tunnel_encapsulate(
	struct swpath_packet *p, const struct hal_act_tunnel_push *act, uint16_t ip_id);

/* TUNNEL_POP: takes the outer headers off and fills the key, metadata and headers, as that of a
 * packet received by act->port. No super-frame. SWPATH_OK or a reason to drop. */
int swpath_tunnel_decapsulate(struct swpath_packet *p, const struct hal_act_tunnel_pop *act);

/* The steps (tunnel.c): the same, counted on the tunnel's port; what is taken out of a tunnel is
 * looked up again and run. */
int swpath_tunnel_push(
	struct swpath_worker *w, struct swpath_packet *p, const struct hal_act_tunnel_push *act);
int swpath_tunnel_pop(struct swpath_worker *w, struct swpath_packet *p,
	const struct hal_act_tunnel_pop *act, unsigned nested);

/* Tunnels take no super-frames: runs the steps on each of the frames that `p` is cut into, and
 * consumes it. */
void swpath_tunnel_segments(struct swpath_worker *w, struct swpath_packet *p, const void *steps,
	uint32_t len, unsigned nested);

#endif
