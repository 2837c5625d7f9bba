/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps of a former run that nothing pins: the program at a netdev holds them, and they are found
 * through it. So a restart finds its rules in a mount namespace of its own, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "drivers/ebpf/ebpf.h"

#define MAX_MAPS 32

struct found {
	unsigned n;
	int fd[MAX_MAPS];
	char name[MAX_MAPS][BPF_OBJ_NAME_LEN];
};

static void close_all(struct found *f)
{
	while (f->n)
		close(f->fd[--f->n]);
}

static void open_map(struct found *f, uint32_t id)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	const int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0)
		return;
	if (f->n == MAX_MAPS || bpf_obj_get_info_by_fd(fd, &info, &len)) {
		close(fd);
		return;
	}
	memcpy(f->name[f->n], info.name, sizeof(info.name));
	f->fd[f->n++] = fd;
}

static int find_map(const struct found *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (!strcmp(f->name[i], name))
			return f->fd[i];
	return -1;
}

/* Whether they are those of our instance, laid out as ours. */
static bool is_ours(const struct ebpf_dev *dev, const struct found *f)
{
	const int fd = find_map(f, "control");
	struct ebpf_control control;
	const uint32_t zero = 0;

	return fd >= 0 && !bpf_map_lookup_elem(fd, &zero, &control) &&
	       control.layout == EBPF_LAYOUT && control.instance == dev->instance &&
	       control.netns == dev->netns;
}

static bool open_maps(const struct ebpf_dev *dev, uint32_t program, struct found *f)
{
	uint32_t ids[MAX_MAPS], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.map_ids = (uintptr_t)ids, .nr_map_ids = MAX_MAPS};
	const int fd = bpf_prog_get_fd_by_id(program);
	bool good;

	f->n = 0;
	if (fd < 0)
		return false;
	good = !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == BPF_PROG_TYPE_SCHED_CLS &&
	       !strncmp(info.name, EBPF_PROGRAM_NAME, strlen(EBPF_PROGRAM_NAME)) &&
	       info.nr_map_ids <= MAX_MAPS;
	close(fd);
	for (uint32_t i = 0; good && i < info.nr_map_ids; i++)
		open_map(f, ids[i]);
	if (good && is_ours(dev, f))
		return true;
	close_all(f);
	return false;
}

/* Those of the youngest program. */
static bool find_maps(const struct ebpf_dev *dev, struct found *f)
{
	struct found other;
	uint32_t id = 0;
	bool found = false;

	f->n = 0;
	while (!bpf_prog_get_next_id(id, &id)) {
		if (!open_maps(dev, id, &other))
			continue;
		close_all(f);
		*f = other;
		found = true;
	}
	return found;
}

int ebpf_adopt(const struct ebpf_dev *dev, struct bpf_map *(*map)(void *ctx, unsigned i), void *ctx)
{
	struct bpf_map *m;
	struct found f;
	int err = 0;

	if (!find_maps(dev, &f))
		return 0;
	for (unsigned i = 0; !err && (m = map(ctx, i)); i++) {
		const int fd = find_map(&f, bpf_map__name(m));

		err = fd < 0 ? -ENOENT : bpf_map__reuse_fd(m, fd);
	}
	close_all(&f);
	return err;
}
