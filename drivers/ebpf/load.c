/* SPDX-License-Identifier: Apache-2.0
 *
 * The program and its maps: loaded, pinned, and mapped into our memory.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/magic.h>

#include "drivers/ebpf/datapath.skel.h"
#include "drivers/ebpf/ebpf.h"
#include "hal/base/log.h"
#include "hal/mutation.h"

LOG_DEFINE(ebpf_load);

#define BPFFS "/sys/fs/bpf"
#define FOLDER BPFFS "/sluice/%08x" /* by instance */
#define VERIFIER_LOG (1u << 20)     /* bytes */

/* Maps that a rule's life depends on. */
static struct bpf_map *kept(void *ctx, unsigned i)
{
	struct datapath *skel = ctx;
	struct bpf_map *const all[] = {skel->maps.control, skel->maps.ports, skel->maps.masks,
		skel->maps.mask_hits, skel->maps.rules4, skel->maps.rules8, skel->maps.rules20,
		skel->maps.entries, skel->maps.slots, skel->maps.programs, skel->maps.counts,
		skel->maps.runs, skel->maps.stats, skel->maps.meters, skel->maps.meter_counts};

	return i < sizeof(all) / sizeof(all[0]) ? all[i] : NULL;
}

/* ---- pins ---- */

static bool is_bpffs(void)
{
	struct statfs s;

	return !statfs(BPFFS, &s) && (unsigned long)s.f_type == BPF_FS_MAGIC;
}

/* The folder of our pins; none if there is no place for it. */
static void find_folder(struct ebpf_dev *dev)
{
	if (!is_bpffs() && (mount("bpf", BPFFS, "bpf", 0, NULL) || !is_bpffs())) {
		log_info("there is no bpf filesystem at " BPFFS ": nothing is pinned");
		return;
	}
	mkdir(BPFFS "/sluice", 0700);
	snprintf(dev->folder, sizeof(dev->folder), FOLDER, dev->instance);
	if (mkdir(dev->folder, 0700) && errno != EEXIST) {
		log_warn("%s: %s: nothing is pinned", dev->folder, strerror(errno));
		dev->folder[0] = '\0';
	}
}

static void pin_path(const struct ebpf_dev *dev, const char *name, char *path, size_t n)
{
	snprintf(path, n, "%s/%s", dev->folder, name);
}

static void remove_pins(struct ebpf_dev *dev, struct datapath *skel)
{
	struct bpf_map *map;
	char path[128];

	if (!dev->folder[0])
		return;
	for (unsigned i = 0; (map = kept(skel, i)); i++) {
		pin_path(dev, bpf_map__name(map), path, sizeof(path));
		unlink(path);
	}
	pin_path(dev, "program", path, sizeof(path));
	unlink(path);
}

static void remove_folder(struct ebpf_dev *dev)
{
	if (!dev->folder[0])
		return;
	rmdir(dev->folder);
	rmdir(BPFFS "/sluice"); /* another daemon may have its own there */
}

/* Whether pinned maps are laid out as ours; true if there are none. */
static bool is_our_layout(const struct ebpf_dev *dev)
{
	struct ebpf_control control;
	const uint32_t zero = 0;
	char path[128];
	int fd;
	bool same;

	pin_path(dev, "control", path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT;
	same = !bpf_map_lookup_elem(fd, &zero, &control) &&
	       (control.layout == EBPF_LAYOUT || !control.layout);
	close(fd);
	return same;
}

static bool has_pins(const struct ebpf_dev *dev)
{
	char path[128];

	pin_path(dev, "control", path, sizeof(path));
	return dev->folder[0] && !access(path, F_OK);
}

static int set_pins(struct ebpf_dev *dev, struct datapath *skel)
{
	struct bpf_map *map;
	char path[128];
	int err = 0;

	if (!dev->folder[0])
		return 0;
	if (!is_our_layout(dev)) {
		log_warn("the maps of a former run are laid out in another way: its rules are "
			 "given up");
		remove_pins(dev, skel);
	}
	for (unsigned i = 0; !err && (map = kept(skel, i)); i++) {
		pin_path(dev, bpf_map__name(map), path, sizeof(path));
		err = bpf_map__set_pin_path(map, path);
	}
	return err;
}

/* The program's own pin is for those who look; it is not what keeps it at a netdev. */
static void pin_program(struct ebpf_dev *dev)
{
	char path[128];

	if (!dev->folder[0])
		return;
	pin_path(dev, "program", path, sizeof(path));
	unlink(path);
	if (bpf_program__pin(dev->skel->progs.sluice, path))
		log_warn("%s: %s", path, strerror(errno));
}

/* ---- loading ---- */

/* What libbpf has to say is said by the reason, and by the verifier's log. */
static int keep_silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

/* The verifier's last words but for its statistics. */
static void last_words(const char *text, char *out, size_t n)
{
	const char *line = text, *end;

	out[0] = '\0';
	for (; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (end > line && strncmp(line, "processed ", 10) &&
			strncmp(line, "verification time", 17) && strncmp(line, "stack depth", 11))
			snprintf(out, n, "%.*s", (int)(end - line), line);
	}
}

static int refuse_load(int err, const char *verifier, struct hal_reason *r)
{
	char words[96];

	last_words(verifier, words, sizeof(words));
	if (*verifier)
		log_warn("the verifier's log:\n%s", verifier);
	if (words[0])
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "the program was refused: %s", words);
	else
		hal_refuse(r, HAL_REASON_DEVICE_ERROR,
			"no BPF program can be loaded (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON): %s",
			strerror(-err));
	if (r)
		r->error = -err;
	return err;
}

static int try_load(struct ebpf_dev *dev, bool adopt, char *verifier)
{
	struct datapath *skel = datapath__open();
	int err;

	if (!skel)
		return -errno;
	verifier[0] = '\0';
	bpf_program__set_log_buf(skel->progs.sluice, verifier, VERIFIER_LOG);
	err = bpf_map__set_max_entries(skel->maps.counts, dev->n_cpus * EBPF_SLOTS);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.runs, dev->n_cpus);
#ifdef SLUICE_MUTATIONS
	skel->rodata->mutation = mutation_active();
#endif
	if (!err)
		err = set_pins(dev, skel);
	if (!err && adopt && !has_pins(dev))
		err = ebpf_adopt(dev, kept, skel);
	if (!err)
		err = datapath__load(skel);
	if (err) {
		datapath__destroy(skel);
		return err;
	}
	dev->skel = skel;
	return 0;
}

static void forget_pins(struct ebpf_dev *dev)
{
	struct datapath *skel = datapath__open();

	if (!skel)
		return;
	remove_pins(dev, skel);
	datapath__destroy(skel);
}

/* ---- mapping ---- */

static void *map_memory(const struct bpf_map *map, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

#define MAPPED(DEV, NAME, N)                                                                       \
	{                                                                                          \
		&(DEV)->maps.NAME, (DEV)->skel->maps.NAME, (size_t)(N) * sizeof(*(DEV)->maps.NAME) \
	}
#define ALL_MAPPED(DEV)                                                                            \
	MAPPED(DEV, control, 1), MAPPED(DEV, masks, EBPF_MASKS), MAPPED(DEV, entries, EBPF_RULES), \
		MAPPED(DEV, slots, EBPF_SLOTS), MAPPED(DEV, programs, EBPF_PROGRAMS),              \
		MAPPED(DEV, meter_counts, EBPF_METERS), MAPPED(DEV, runs, (DEV)->n_cpus),          \
		MAPPED(DEV, counts, (DEV)->n_cpus *EBPF_SLOTS)

struct mapping {
	void *at; /* of a pointer into the map */
	const struct bpf_map *map;
	size_t bytes;
};

static int map_all(struct ebpf_dev *dev)
{
	const struct mapping all[] = {ALL_MAPPED(dev)};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		void *p = map_memory(all[i].map, all[i].bytes);

		if (!p)
			return -errno;
		memcpy(all[i].at, &p, sizeof(p));
	}
	dev->maps.rules[0] = bpf_map__fd(dev->skel->maps.rules4);
	dev->maps.rules[1] = bpf_map__fd(dev->skel->maps.rules8);
	dev->maps.rules[2] = bpf_map__fd(dev->skel->maps.rules20);
	dev->maps.ports = bpf_map__fd(dev->skel->maps.ports);
	dev->maps.mask_hits = bpf_map__fd(dev->skel->maps.mask_hits);
	dev->maps.tunnels = bpf_map__fd(dev->skel->maps.tunnels);
	dev->maps.stats = bpf_map__fd(dev->skel->maps.stats);
	dev->maps.hosts = bpf_map__fd(dev->skel->maps.hosts);
	dev->maps.meters = bpf_map__fd(dev->skel->maps.meters);
	dev->maps.grace = bpf_map__fd(dev->skel->maps.grace);
	dev->maps.grace_inner = bpf_map__fd(dev->skel->maps.grace_inner);
	return 0;
}

static void unmap_all(struct ebpf_dev *dev)
{
	const struct mapping all[] = {ALL_MAPPED(dev)};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		void *p;

		memcpy(&p, all[i].at, sizeof(p));
		if (p)
			munmap(p, all[i].bytes);
	}
	memset(&dev->maps, 0, sizeof(dev->maps));
}

/* ---- the whole ---- */

static uint32_t id_of(int program)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &len) ? 0 : info.id;
}

bool ebpf_sign(struct ebpf_dev *dev)
{
	struct ebpf_control *c = dev->maps.control;
	const bool same =
		c->layout == EBPF_LAYOUT && c->instance == dev->instance && c->netns == dev->netns;

	c->layout = EBPF_LAYOUT;
	c->instance = dev->instance;
	c->netns = dev->netns;
	return !same;
}

int ebpf_load(struct ebpf_dev *dev, struct hal_reason *r)
{
	char *verifier = malloc(VERIFIER_LOG);
	int err;

	if (!verifier)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	libbpf_set_print(keep_silent);
	dev->n_cpus = (unsigned)libbpf_num_possible_cpus();
	find_folder(dev);
	err = try_load(dev, true, verifier);
	if (err && !*verifier) { /* maps of a former run may not do */
		forget_pins(dev);
		err = try_load(dev, false, verifier);
	}
	if (err) {
		err = refuse_load(err, verifier, r);
		goto out;
	}
	err = map_all(dev);
	if (err) {
		hal_refuse(r, HAL_REASON_DEVICE_ERROR, "its maps cannot be mapped: %s",
			strerror(-err));
		ebpf_unload(dev, true);
		goto out;
	}
	ebpf_sign(dev);
	for (unsigned host = 0; host < 2; host++)
		dev->program_id[host] = id_of(ebpf_program_fd(dev, host));
	pin_program(dev);

out:
	if (err)
		remove_folder(dev);
	free(verifier);
	return err;
}

void ebpf_unload(struct ebpf_dev *dev, bool keep)
{
	if (!dev->skel)
		return;
	if (!keep)
		remove_pins(dev, dev->skel);
	unmap_all(dev);
	datapath__destroy(dev->skel);
	dev->skel = NULL;
	if (!keep)
		remove_folder(dev);
}

void ebpf_pins_forget(struct ebpf_dev *dev)
{
	struct stat st;

	if (!is_bpffs())
		return;
	snprintf(dev->folder, sizeof(dev->folder), FOLDER, dev->instance);
	if (stat(dev->folder, &st))
		return;
	forget_pins(dev);
	remove_folder(dev);
}

int ebpf_program_fd(const struct ebpf_dev *dev, bool host)
{
	return bpf_program__fd(host ? dev->skel->progs.sluice_host : dev->skel->progs.sluice);
}

/* For a program under way on a CPU that does not get to run, the kernel can wait better. */
static void wait_long(struct ebpf_dev *dev)
{
	const uint32_t zero = 0;

	if (bpf_map_update_elem(dev->maps.grace, &zero, &dev->maps.grace_inner, 0))
		log_err("waiting for running programs: %s", strerror(errno));
}

void ebpf_grace(struct ebpf_dev *dev)
{
	unsigned patience = 100;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned cpu = 0; cpu < dev->n_cpus; cpu++) {
		const struct ebpf_runs *run = &dev->maps.runs[cpu];
		const uint64_t begun = __atomic_load_n(&run->begun, __ATOMIC_ACQUIRE);

		while (__atomic_load_n(&run->ended, __ATOMIC_ACQUIRE) < begun) {
			if (!patience--) {
				wait_long(dev);
				return;
			}
			sched_yield();
		}
	}
}
