/* SPDX-License-Identifier: Apache-2.0
 *
 * Bits of ct_state, as ovs-fields(7) numbers them.
 */
#ifndef SLUICE_HAL_CT_STATE_H
#define SLUICE_HAL_CT_STATE_H

#define HAL_CS_NEW 0x01u  /* begins a connection */
#define HAL_CS_EST 0x02u  /* of an established connection */
#define HAL_CS_REL 0x04u  /* of a connection related to another */
#define HAL_CS_RPL 0x08u  /* in reply direction */
#define HAL_CS_INV 0x10u  /* could not be identified */
#define HAL_CS_TRK 0x20u  /* went through connection tracking */
#define HAL_CS_SNAT 0x40u /* source was translated */
#define HAL_CS_DNAT 0x80u /* destination was translated */

#endif
