/* SPDX-License-Identifier: Apache-2.0
 *
 * What the control thread has a device's thread do, and how long it waits for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "offload/internal.h"

struct command *command_new(bool (*run)(struct device *dev, struct command *cmd))
{
	struct command *cmd = calloc(1, sizeof(*cmd));
	pthread_condattr_t attr;

	if (!cmd)
		return NULL;
	cmd->event.type = EVENT_COMMAND;
	cmd->run = run;
	cmd->refs = 1;
	hal_reason_clear(&cmd->reason);
	pthread_mutex_init(&cmd->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&cmd->cond, &attr);
	pthread_condattr_destroy(&attr);
	return cmd;
}

void command_put(struct command *cmd)
{
	unsigned refs;

	pthread_mutex_lock(&cmd->lock);
	refs = --cmd->refs;
	pthread_mutex_unlock(&cmd->lock);
	if (refs)
		return;
	pthread_cond_destroy(&cmd->cond);
	pthread_mutex_destroy(&cmd->lock);
	free((void *)(uintptr_t)cmd->rule.match);
	free((void *)(uintptr_t)cmd->rule.program);
	free(cmd);
}

/* The device's thread holds a reference until it is done. */
void command_send(struct device *dev, struct command *cmd)
{
	cmd->refs++;
	device_send(dev, &cmd->event);
}

int command_wait(struct device *dev, struct command *cmd, unsigned timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;
	const struct timespec ts = {
		.tv_sec = (time_t)(end / 1000),
		.tv_nsec = (long)(end % 1000) * 1000000,
	};
	int err = 0;

	command_send(dev, cmd);
	pthread_mutex_lock(&cmd->lock);
	while (!cmd->done && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&cmd->cond, &cmd->lock, &ts);
	if (!cmd->done)
		cmd->cancelled = true;
	err = cmd->done ? cmd->error : -ETIMEDOUT;
	pthread_mutex_unlock(&cmd->lock);
	return err;
}

void command_arrived(struct device *dev, struct event *ev)
{
	struct command *cmd = (struct command *)(void *)ev;
	bool cancelled;

	pthread_mutex_lock(&cmd->lock);
	cancelled = cmd->cancelled && !cmd->keep;
	pthread_mutex_unlock(&cmd->lock);
	if (cancelled)
		command_put(cmd);
	else if (cmd->run(dev, cmd))
		command_put(cmd);
}

bool command_done(struct command *cmd, int error)
{
	bool heard;

	pthread_mutex_lock(&cmd->lock);
	cmd->done = true;
	cmd->error = error;
	heard = !cmd->cancelled;
	pthread_cond_signal(&cmd->cond);
	pthread_mutex_unlock(&cmd->lock);
	return heard;
}

/* Its device is being closed. */
void command_drop(struct event *ev)
{
	struct command *cmd = (struct command *)(void *)ev;

	command_done(cmd, -ENODEV);
	command_put(cmd);
}
