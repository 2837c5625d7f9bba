/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast rules go into a device, and out again:
 *
 *   insert-rules DEVICE PORT0 PORT1 N [BATCH-FILE]
 *
 * Puts N rules from PORT0 to PORT1 in through the HAL and takes them out, and prints both rates.
 * The same rules are written to BATCH-FILE as commands for tc(8), in the file's two halves: first
 * all "filter add", then (BATCH-FILE.del) all "filter del".
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/hal.h"

#define IN 1u
#define OUT 2u
#define BATCH 64u

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void make_rule(struct hal_device *dev, unsigned i, struct hal_rule *rule)
{
	const struct hal_caps *caps = hal_device_caps(dev);
	struct hal_key key = {0}, mask = {0};
	struct hal_builder b;

	key.in_port = RTE_BE32(IN);
	mask.in_port = UINT32_MAX;
	key.eth_type = RTE_BE16(0x0800);
	mask.eth_type = UINT16_MAX;
	key.ipv4_dst = rte_cpu_to_be_32(0x0a000000 | i);
	mask.ipv4_dst = UINT32_MAX;
	hal_caps_need(caps->need, caps->n_needs, &key, &mask);
	hal_builder_init(&b);
	hal_build_output(&b, OUT);
	*rule = (struct hal_rule){
		.ufid = {{1, i}},
		.match = hal_cmatch_new_dp(&key, &mask),
		.program = hal_builder_finish(&b),
		.priority = 1,
	};
}

/* All of one kind; the seconds that it took, or -1. */
static double run(struct hal_device *dev, enum hal_op_type type, struct hal_rule *rules, unsigned n)
{
	struct hal_completion done[BATCH];
	struct hal_op ops[BATCH];
	unsigned n_done = 0, n_sent = 0;
	double start = now();

	while (n_done < n) {
		const unsigned k = n - n_sent < BATCH ? n - n_sent : BATCH;
		int got;

		memset(ops, 0, sizeof(ops));
		for (unsigned i = 0; i < k; i++)
			ops[i] = (struct hal_op){
				.type = type, .token = n_sent + i, .rule = rules[n_sent + i]};
		if (k && hal_submit(dev, ops, k) != (int)k) {
			fprintf(stderr, "rejected: %s\n", ops[0].reason.text);
			return -1;
		}
		n_sent += k;
		got = hal_poll(dev, done, BATCH);
		for (int i = 0; i < got; i++) {
			if (!done[i].error)
				continue;
			fprintf(stderr, "refused: %s\n", done[i].reason.text);
			return -1;
		}
		n_done += got > 0 ? (unsigned)got : 0;
	}
	return now() - start;
}

static int write_batches(const char *path, const char *in, const char *out, unsigned n)
{
	char del[256];
	FILE *add = fopen(path, "w"), *end;

	snprintf(del, sizeof(del), "%s.del", path);
	end = fopen(del, "w");
	if (!add || !end)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		fprintf(add,
			"filter add dev %s ingress protocol ip prio 3 handle %u flower skip_sw "
			"dst_ip 10.%u.%u.%u ip_flags nofrag action mirred egress redirect dev %s "
			"cookie %032x\n",
			in, i + 1, i >> 16 & 255, i >> 8 & 255, i & 255, out, i);
		fprintf(end, "filter del dev %s ingress protocol ip prio 3 handle %u flower\n", in,
			i + 1);
	}
	fclose(end);
	return fclose(add);
}

static int bind_port(struct hal_device *dev, uint32_t id, const char *name)
{
	struct hal_port_handle h = {.kind = HAL_PORT_NETDEV, .index = if_nametoindex(name)};
	struct hal_reason r;
	int err;

	snprintf(h.name, sizeof(h.name), "%s", name);
	hal_reason_clear(&r);
	err = hal_port_bind(dev, id, &h, &r);
	if (err)
		fprintf(stderr, "%s: %s\n", name, r.text);
	return err;
}

int main(int argc, char **argv)
{
	const struct hal_env env = {.rundir = "/run"};
	struct hal_device *dev;
	struct hal_rule *rules;
	struct hal_reason r;
	double in, out;
	unsigned n;

	if (argc < 5 || argc > 6)
		return 2;
	n = (unsigned)atoi(argv[4]);
	rules = calloc(n, sizeof(*rules));
	hal_reason_clear(&r);
	if (!rules || hal_device_open(argv[1], &env, &dev, &r)) {
		fprintf(stderr, "%s: %s\n", argv[1], r.text);
		return 1;
	}
	if (bind_port(dev, IN, argv[2]) || bind_port(dev, OUT, argv[3]) ||
		(argc > 5 && write_batches(argv[5], argv[2], argv[3], n)))
		return 1;
	for (unsigned i = 0; i < n; i++)
		make_rule(dev, i, &rules[i]);
	in = run(dev, HAL_OP_ADD, rules, n);
	out = in < 0 ? -1 : run(dev, HAL_OP_DEL, rules, n);
	if (out < 0)
		return 1;
	printf("insert %.0f rules/s, delete %.0f rules/s\n", n / in, n / out);
	hal_port_unbind(dev, IN);
	hal_port_unbind(dev, OUT);
	hal_device_close(dev);
	return 0;
}
