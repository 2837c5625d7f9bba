/* SPDX-License-Identifier: Apache-2.0
 *
 * Port numbers of 16 bits (OpenFlow 1.0 and NXM).
 */
#include "ofctl/openflow/codec.h"
#include "ofctl/openflow/wire.h"

/* The reserved ports are the highest numbers in either width; what lies between the last 16-bit
 * port and them has no 16-bit number. */
uint32_t of_port_from16(uint16_t port)
{
	return port >= OFPP10_MAX ? 0xffff0000u | port : port;
}

uint16_t of_port_to16(uint32_t port)
{
	if (port < OFPP10_MAX || port >= OF_PORT_MAX)
		return (uint16_t)port;
	return OFPP10_NONE;
}
