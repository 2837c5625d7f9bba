/* SPDX-License-Identifier: Apache-2.0
 *
 * The program's parser against the software path's: frames of all kinds, whole, cut short, and with
 * bytes turned over, have the same key in both. Exit status 77 (meson: skipped) where no program
 * can be loaded.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "drivers/ebpf/ebpf.h"
#include "swpath/swpath.h"
#include "tests/unit/swpath/frames.h"

#define ROUNDS 30000u
#define SKIPPED 77
#define LEAST 15u /* bytes of a frame that the kernel runs a program for */
#define KNOWN offsetof(struct hal_key, ct_label) /* bytes of a key that the program fills in */

/* xorshift64*, Vigna 2016 */
static uint32_t rnd(void)
{
	static uint64_t state = 7;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

/* ---- frames ---- */

static void link_layer(struct frame *f)
{
	static const uint16_t tpids[] = {0x8100, 0x88a8};

	frame_macs(f);
	for (unsigned n = rnd() % 4; n-- && rnd() % 2;)
		frame_tag(f, tpids[rnd() % 2], (uint16_t)rnd());
}

/* A solicitation or an advertisement with options, some of which may come twice. */
static void discovery(struct frame *f)
{
	frame_nd(f, (uint8_t)(135 + rnd() % 2), (uint8_t)(1 + rnd() % 2));
	for (unsigned n = rnd() % 3; n--; f->len += 8) {
		const uint8_t option[8] = {(uint8_t)(1 + rnd() % 3), (uint8_t)(rnd() % 8 != 0),
			(uint8_t)rnd(), 1, 2, 3, 4, (uint8_t)rnd()};

		memcpy(f->b + f->len, option, sizeof(option));
	}
}

static void transport(struct frame *f, uint8_t proto)
{
	switch (proto) {
	case 6:
		frame_tcp(f, (uint16_t)rnd(), (uint16_t)rnd(), (uint16_t)rnd());
		break;
	case 17:
		frame_udp(f, (uint16_t)rnd(), (uint16_t)rnd());
		break;
	case 132:
		frame_sctp(f, (uint16_t)rnd(), (uint16_t)rnd());
		break;
	case 58:
		if (rnd() % 2)
			discovery(f);
		else
			frame_icmp(f, proto, (uint8_t)rnd(), (uint8_t)(rnd() % 3));
		break;
	case 1:
		frame_icmp(f, proto, (uint8_t)rnd(), (uint8_t)rnd());
		break;
	default:
		break;
	}
}

static void ipv6(struct frame *f, uint8_t proto)
{
	static const uint8_t headers[] = {0, 43, 60, 44, 51};
	uint8_t chain[6];
	unsigned n = rnd() % 2 ? 0 : rnd() % 5;

	for (unsigned i = 0; i < n; i++)
		chain[i] = headers[rnd() % sizeof(headers)];
	chain[n] = proto;
	frame_type(f, 0x86dd);
	frame_ipv6(f, chain[0]);
	for (unsigned i = 0; i < n; i++) {
		if (chain[i] == 44)
			frame_fragment(f, chain[i + 1], rnd() % 2 ? 0 : (uint16_t)rnd());
		else if (chain[i] == 51)
			frame_ah(f, chain[i + 1]);
		else
			frame_exthdr(f, chain[i + 1], (uint8_t)(rnd() % 2));
	}
}

static void random_frame(struct frame *f)
{
	static const uint8_t protos[] = {6, 17, 132, 1, 58, 2, 59, 50, 99};
	const uint8_t proto = protos[rnd() % sizeof(protos)];

	memset(f, 0, sizeof(*f));
	link_layer(f);
	switch (rnd() % 8) {
	case 0:
		frame_type(f, rnd() % 2 ? 0x0806 : 0x8035);
		frame_arp(f, (uint16_t)(1 + rnd() % 3));
		break;
	case 1:
		frame_type(f, rnd() % 2 ? 0x8847 : 0x8848);
		for (unsigned n = rnd() % 5; n--;)
			frame_lse(f, rnd() & ~(rnd() % 3 ? 0x100u : 0));
		break;
	case 2: /* a length, with SNAP or without; a tag of a service instance; anything */
		if (rnd() % 2) {
			frame_type(f, (uint16_t)(rnd() % 0x600));
			memcpy(f->b + f->len, "\xaa\xaa\x03\0\0\0", 6);
			f->len += 6;
		}
		frame_type(f, rnd() % 3 == 0 ? 0x88e7 : rnd() % 2 ? 0x0800 : (uint16_t)rnd());
		break;
	case 3:
	case 4:
		ipv6(f, proto);
		transport(f, proto);
		break;
	default:
		frame_type(f, 0x0800);
		frame_ipv4(f, proto, rnd() % 4 ? 0 : (uint16_t)rnd(), rnd() % 3 ? 0 : rnd() % 11);
		transport(f, proto);
		break;
	}
	frame_bytes(f, rnd() % 40);
	if (f->l3)
		frame_finish(f);
	for (unsigned n = rnd() % 3 ? 0 : 1 + rnd() % 4; n--;)
		f->b[12 + rnd() % 80] ^= (uint8_t)(1u << rnd() % 8);
	if (rnd() % 4 == 0 && f->len > LEAST)
		f->len = LEAST + rnd() % (f->len - LEAST);
	if (f->len < LEAST)
		f->len = LEAST;
}

/* ---- the program ---- */

static int find_map(int program, const char *name, struct bpf_map_info *info)
{
	uint32_t ids[32], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info p = {.map_ids = (uintptr_t)ids, .nr_map_ids = 32};

	if (bpf_obj_get_info_by_fd(program, &p, &len))
		return -1;
	for (uint32_t i = 0; i < p.nr_map_ids; i++) {
		const int fd = bpf_map_get_fd_by_id(ids[i]);
		uint32_t n = sizeof(*info);

		memset(info, 0, sizeof(*info));
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, info, &n) && !strcmp(info->name, name))
			return fd;
		close(fd);
	}
	return -1;
}

static void print(const char *what, const void *at, size_t n)
{
	printf("%s ", what);
	for (size_t i = 0; i < n; i++)
		printf("%02x", ((const uint8_t *)at)[i]);
	printf("\n");
}

enum outcome { SAME, DIFFERENT, REFUSED };

/* The kernel refuses to run a program for some frames that are cut short. */
static enum outcome compare(
	int program, int work, size_t stride, unsigned cpus, const struct frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f->b, .data_size_in = (uint32_t)f->len);
	const int err = bpf_prog_test_run_opts(program, &run);
	uint8_t *by_cpu = malloc(stride * cpus);
	const uint32_t zero = 0;
	struct hal_key want;
	bool same;

	if (err == -EINVAL) {
		free(by_cpu);
		return REFUSED;
	}
	if (err || !by_cpu || bpf_map_lookup_elem(work, &zero, by_cpu)) {
		perror("running the program");
		exit(1);
	}
	swpath_parse(f->b, f->len, &want);
	memset(by_cpu, 0, sizeof(want.in_port)); /* the first CPU's */
	same = !memcmp(by_cpu, &want, KNOWN);
	if (!same) {
		print("frame  ", f->b, f->len);
		print("kernel ", by_cpu, KNOWN);
		print("swpath ", &want, KNOWN);
	}
	free(by_cpu);
	return same ? SAME : DIFFERENT;
}

int main(void)
{
	const struct ebpf_port port = {.id = 1};
	const uint32_t loopback = 1;
	const struct hal_env env = {.rundir = "unit-test"};
	struct hal_caps caps = {0};
	struct bpf_map_info info;
	struct hal_reason r;
	struct ebpf_dev *dev;
	unsigned n[REFUSED + 1] = {0};
	cpu_set_t first;
	void *opened;
	int work;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	hal_reason_clear(&r);
	if (sched_setaffinity(0, sizeof(first), &first) ||
		ebpf_driver.open("", &env, &opened, &caps, &r)) {
		printf("skipped: %s\n", r.text);
		return SKIPPED;
	}
	dev = opened;
	work = find_map(ebpf_program_fd(dev, false), "work", &info);
	if (work < 0 || bpf_map_update_elem(dev->maps.ports, &loopback, &port, 0))
		return 1;
	for (unsigned i = 0; i < ROUNDS && n[DIFFERENT] < 5; i++) {
		struct frame f;

		random_frame(&f);
		n[compare(ebpf_program_fd(dev, false), work, (info.value_size + 7u) & ~7u,
			dev->n_cpus, &f)]++;
	}
	printf("%u frames parsed alike, %u otherwise, %u not run\n", n[SAME], n[DIFFERENT],
		n[REFUSED]);
	bpf_map_delete_elem(dev->maps.ports, &loopback);
	close(work);
	ebpf_driver.close(dev);
	return n[DIFFERENT] || n[SAME] < ROUNDS / 2;
}
