/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast the kernel takes entries into a hash map like those of the eBPF driver's rules, and out
 * again, in batches: the limit of how fast rules can go in.
 *
 *   batch-entries N
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "drivers/ebpf/layout.h"

#define BATCH 256u

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The seconds that it took, or -1. */
static double run(int fd, struct ebpf_key4 *keys, uint32_t *values, unsigned n)
{
	double start = now();

	for (unsigned at = 0; at < n; at += BATCH) {
		uint32_t count = n - at < BATCH ? n - at : BATCH;

		if (values ? bpf_map_update_batch(fd, keys + at, values + at, &count, NULL)
			   : bpf_map_delete_batch(fd, keys + at, &count, NULL))
			return -1;
	}
	return now() - start;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	const unsigned n = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
	struct ebpf_key4 *keys = calloc(n, sizeof(*keys));
	uint32_t *values = calloc(n, sizeof(*values));
	int fd;
	double in, out;

	if (!n)
		return 2;
	fd = bpf_map_create(
		BPF_MAP_TYPE_HASH, "entries", sizeof(*keys), sizeof(*values), EBPF_RULES, &opts);
	if (fd < 0 || !keys || !values) {
		perror("no map");
		return 1;
	}
	for (unsigned i = 0; i < n; i++) {
		keys[i].w[0] = i;
		values[i] = i;
	}
	in = run(fd, keys, values, n);
	out = in < 0 ? -1 : run(fd, keys, NULL, n);
	if (out < 0) {
		perror("batch");
		return 1;
	}
	printf("insert %.0f rules/s, delete %.0f rules/s\n", n / in, n / out);
	return 0;
}
