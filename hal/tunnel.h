/* SPDX-License-Identifier: Apache-2.0
 *
 * Tunnel headers on the wire: VXLAN (RFC 7348, with the group policy of
 * draft-smith-vxlan-group-policy-05) and Geneve (RFC 8926), as far as DPDK's headers do not say.
 *
 * Thread-safety: constants.
 */
#ifndef SLUICE_HAL_TUNNEL_H
#define SLUICE_HAL_TUNNEL_H

/* The first word of a VXLAN header, host order. */
#define VXLAN_VNI_VALID 0x08000000u
#define VXLAN_GBP 0x80000000u          /* the low 16 bits are a group policy id */
#define VXLAN_GBP_DONT_LEARN 0x400000u /* hal_key.tun_gbp_flags has these two as they lie in */
#define VXLAN_GBP_APPLIED 0x080000u    /* the header's second byte */
#define VXLAN_GBP_ID 0xffffu

#define VXLAN_HEADER_LEN 8
#define VXLAN_UDP_PORT 4789

/* The first byte of a Geneve header is version (2 bits) and option length; the second one: */
#define GENEVE_OAM 0x80
#define GENEVE_CRITICAL 0x40
#define GENEVE_OPTION_CRITICAL 0x80 /* of an option's type */

#define GENEVE_HEADER_LEN 8
#define GENEVE_OPTIONS_MAX 252 /* bytes */
#define GENEVE_UDP_PORT 6081

/* hal_key.tun_flags */
#define TUN_FLAG_OAM 0x0001

#endif
