/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets from the control plane: through a ring to a worker, which runs the given program.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ring.h>

#include "swpath/worker.h"

struct injection {
	struct hal_key key; /* metadata */
	struct rte_mbuf *m;
	struct hal_program program;
};

static struct rte_mbuf *mbuf_of(struct rte_mempool *pool, const uint8_t *data, size_t len)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *seg = head;

	if (!head)
		return NULL;
	for (;;) {
		uint16_t part = (uint16_t)RTE_MIN(len, (size_t)rte_pktmbuf_tailroom(seg));

		memcpy(rte_pktmbuf_mtod(seg, void *), data, part);
		seg->data_len = part;
		head->pkt_len += part;
		data += part;
		len -= part;
		if (!len)
			return head;
		seg->next = rte_pktmbuf_alloc(pool);
		if (!seg->next)
			break;
		seg = seg->next;
		head->nb_segs++;
	}
	rte_pktmbuf_free(head);
	return NULL;
}

static void injection_free(struct injection *in)
{
	rte_pktmbuf_free(in->m);
	free(in);
}

int swpath_inject(struct swpath *sp, const struct hal_key *meta, const void *data, size_t len,
	const struct hal_program *program)
{
	struct swpath_worker *w = &sp->worker[rte_be_to_cpu_32(meta->in_port) % sp->n_workers];
	struct injection *in;

	if (len < RTE_ETHER_HDR_LEN || len > UINT16_MAX)
		return -EINVAL;
	in = malloc(sizeof(*in) + program->len);
	if (!in)
		return -ENOMEM;
	in->key = *meta;
	in->program = (struct hal_program){.len = program->len, .n_outputs = program->n_outputs};
	memcpy(in->program.steps, program->steps, program->len);
	in->m = mbuf_of(sp->pool, data, len);
	if (!in->m) {
		free(in);
		return -ENOMEM;
	}
	if (rte_ring_mp_enqueue(w->inject, in)) {
		injection_free(in);
		return -ENOBUFS;
	}
	swpath_worker_wake(w);
	return 0;
}

unsigned swpath_inject_run(struct swpath_worker *w)
{
	struct injection *in[SWPATH_BURST];
	unsigned n;

	n = rte_ring_sc_dequeue_burst(w->inject, (void **)in, SWPATH_BURST, NULL);
	for (unsigned i = 0; i < n; i++) {
		struct swpath_packet p = {.m = in[i]->m,
			.pool = w->sp->pool,
			.key = &in[i]->key,
			.key_stale = true,
			.layers_stale = true};

		swpath_packet_key(&p);
		swpath_execute(w, &p, in[i]->program.steps, in[i]->program.len, 0);
		free(in[i]);
	}
	if (n)
		swpath_flush(w);
	return n;
}

void swpath_inject_clear(struct swpath_worker *w)
{
	void *in;

	while (!rte_ring_sc_dequeue(w->inject, &in))
		injection_free(in);
}
