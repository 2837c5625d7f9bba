/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of packets. They are made and done with in the order of a stack, since steps are nested.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/simnic/nic.h"

bool nic_copy_make(
	struct nic *nic, struct nic_packet *copy, const struct nic_packet *p, uint32_t len)
{
	uint8_t **buffer = &nic->copies[nic->n_copies];

	if (nic->n_copies == NIC_COPIES)
		return false;
	if (!*buffer)
		*buffer = malloc(NIC_BUFFER);
	if (!*buffer)
		return false;
	nic->n_copies++;
	*copy = *p;
	copy->data = *buffer + NIC_HEADROOM;
	copy->headroom = NIC_HEADROOM;
	copy->queued = false;
	memcpy(copy->data, p->data, len);
	return true;
}

void nic_copy_done(struct nic *nic, struct nic_packet *copy)
{
	if (copy->queued)
		nic_port_flush_all(nic);
	nic->n_copies--;
}

void nic_copies_free(struct nic *nic)
{
	for (unsigned i = 0; i < NIC_COPIES; i++)
		free(nic->copies[i]);
}
