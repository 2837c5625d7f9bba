/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_FRAMES 8192

struct fake_port {
	pthread_mutex_t lock;
	int fd;
	unsigned n_in, n_out;
	_Atomic unsigned looks;
	struct rte_mbuf *in[MAX_FRAMES], *out[MAX_FRAMES];
};

static int fake_open(
	struct swpath_port *port, const struct swpath_port_config *cfg, char *err, size_t n)
{
	struct fake_port *f = calloc(1, sizeof(*f));

	(void)err;
	(void)n;
	pthread_mutex_init(&f->lock, NULL);
	f->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	port->priv = f;
	atomic_store(&port->mtu, cfg->mtu);
	atomic_store(&port->up, true);
	return 0;
}

static void drop_all(struct rte_mbuf **pkts, unsigned *n)
{
	while (*n)
		rte_pktmbuf_free(pkts[--*n]);
}

static void fake_close(struct swpath_port *port, bool delete_netdev)
{
	struct fake_port *f = port->priv;

	(void)delete_netdev;
	drop_all(f->in, &f->n_in);
	drop_all(f->out, &f->n_out);
	close(f->fd);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static unsigned fake_rx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts,
	struct hal_rx_meta *meta, unsigned max)
{
	struct fake_port *f = port->priv;
	unsigned n;
	uint64_t count;

	(void)worker;
	(void)meta;
	atomic_fetch_add(&f->looks, 1);
	pthread_mutex_lock(&f->lock);
	n = f->n_in < max ? f->n_in : max;
	for (unsigned i = 0; i < n; i++)
		pkts[i] = f->in[i];
	f->n_in -= n;
	for (unsigned i = 0; i < f->n_in; i++)
		f->in[i] = f->in[i + n];
	if (!f->n_in && read(f->fd, &count, sizeof(count)) < 0)
		count = 0;
	port->drained = port->class->rx_fd && !f->n_in;
	pthread_mutex_unlock(&f->lock);
	return n;
}

static void fake_tx(struct swpath_port *port, unsigned worker, struct rte_mbuf **pkts, unsigned n,
	uint64_t drops[SWPATH_DROP_MAX])
{
	struct fake_port *f = port->priv;

	(void)worker;
	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < n; i++) {
		if (f->n_out < MAX_FRAMES) {
			f->out[f->n_out++] = pkts[i];
			continue;
		}
		drops[SWPATH_DROP_TX_FULL]++;
		rte_pktmbuf_free(pkts[i]);
	}
	pthread_mutex_unlock(&f->lock);
}

static int fake_fd(struct swpath_port *port)
{
	return ((struct fake_port *)port->priv)->fd;
}

static int fake_status(struct swpath_port *port, struct swpath_port_status *out)
{
	out->exists = true;
	out->link_up = atomic_load(&port->up);
	return 0;
}

static int fake_set_admin(struct swpath_port *port, bool up)
{
	atomic_store(&port->up, up);
	return 0;
}

const struct swpath_port_class fake_class = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.rx = fake_rx,
	.tx = fake_tx,
	.rx_fd = fake_fd,
	.status = fake_status,
	.set_admin = fake_set_admin,
};

const struct swpath_port_class fake_deaf_class = {
	.name = "fake_deaf",
	.open = fake_open,
	.close = fake_close,
	.rx = fake_rx,
	.tx = fake_tx,
	.status = fake_status,
	.set_admin = fake_set_admin,
};

static struct fake_port *get(struct swpath *sp, uint32_t port)
{
	return swpath_port_get(sp, port)->port.priv;
}

void fake_receive(struct swpath *sp, uint32_t port, struct rte_mbuf *m)
{
	struct fake_port *f = get(sp, port);
	const uint64_t one = 1;

	pthread_mutex_lock(&f->lock);
	f->in[f->n_in++] = m;
	if (write(f->fd, &one, sizeof(one)) < 0)
		abort();
	pthread_mutex_unlock(&f->lock);
}

unsigned fake_sent(struct swpath *sp, uint32_t port)
{
	struct fake_port *f = get(sp, port);
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = f->n_out;
	pthread_mutex_unlock(&f->lock);
	return n;
}

unsigned fake_looks(struct swpath *sp, uint32_t port)
{
	return atomic_load(&get(sp, port)->looks);
}

const struct rte_mbuf *fake_frame(struct swpath *sp, uint32_t port, unsigned i)
{
	return get(sp, port)->out[i];
}

void fake_forget(struct swpath *sp, uint32_t port)
{
	struct fake_port *f = get(sp, port);

	pthread_mutex_lock(&f->lock);
	drop_all(f->out, &f->n_out);
	pthread_mutex_unlock(&f->lock);
}

bool fake_wait(struct swpath *sp, uint32_t port, unsigned n)
{
	const struct timespec pause = {.tv_nsec = 200000};

	for (unsigned i = 0; i < 10000 && fake_sent(sp, port) < n; i++)
		nanosleep(&pause, NULL);
	return fake_sent(sp, port) == n;
}
