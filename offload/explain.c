/* SPDX-License-Identifier: Apache-2.0
 *
 * Would a device take a rule, were it asked now?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "offload/internal.h"

static bool run_explain(struct device *dev, struct command *cmd)
{
	const struct rule *rule = rule_find(dev, &cmd->rule.ufid);
	int err = 0;

	/* What is there already needs no room. */
	if (!rule || rule->have != HAVE_CLAIM ||
		!rule_has_match(rule, cmd->rule.match, cmd->rule.chain) ||
		!hal_program_equal(rule->holder->flow->mf->program, cmd->rule.program))
		err = judge_rule(dev, &cmd->rule, cmd->in_port, &cmd->reason);
	command_done(cmd, err);
	return true;
}

static void *copy(const void *from, size_t len)
{
	void *to = malloc(len);

	if (to)
		memcpy(to, from, len);
	return to;
}

/* The device's thread may come to it when the caller has given up: it gets its own copy. */
static struct command *explain_command(const struct hal_rule *rule, uint32_t in_port)
{
	struct command *cmd = command_new(run_explain);

	if (!cmd)
		return NULL;
	cmd->in_port = in_port;
	cmd->rule = *rule;
	cmd->rule.priority = RULE_PRIORITY; /* as it would be asked for */
	cmd->rule.match = hal_cmatch_copy(rule->match);
	cmd->rule.program = copy(rule->program, sizeof(*rule->program) + rule->program->len);
	if (cmd->rule.match && cmd->rule.program)
		return cmd;
	command_put(cmd);
	return NULL;
}

int offload_explain(struct offload *ol, unsigned device, const struct hal_rule *rule,
	uint32_t in_port, struct hal_reason *r)
{
	struct device *dev = device_at(ol, device);
	struct command *cmd;
	int err;

	if (!dev) {
		hal_refuse(r, HAL_REASON_DEVICE_GONE, "there is no device %u", device);
		return -ENOENT;
	}
	cmd = explain_command(rule, in_port);
	if (!cmd)
		return hal_refuse(r, HAL_REASON_RETRY, "out of memory");
	err = command_wait(dev, cmd, SYNC_WAIT_MS);
	if (err == -ETIMEDOUT)
		hal_refuse(r, HAL_REASON_RETRY, "%s did not answer in time", dev->info.name);
	else if (r)
		*r = cmd->reason;
	command_put(cmd);
	return err;
}
