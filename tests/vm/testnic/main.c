// SPDX-License-Identifier: GPL-2.0
/*
 * The card: a devlink device with an eSwitch mode, which can go and come back.
 */
#include <linux/module.h>
#include <linux/platform_device.h>

#include "port.h"
#include "testnic.h"

DEFINE_SPINLOCK(testnic_lock);

static struct platform_device *platform;
static struct devlink *devlink;
static u16 eswitch_mode = DEVLINK_ESWITCH_MODE_SWITCHDEV;
static DEFINE_MUTEX(presence);
static bool ready, gone;

module_param_named(ports, testnic_n_ports, uint, 0444);
MODULE_PARM_DESC(ports, "number of ports (4)");

static int mode_get(struct devlink *dl, u16 *mode)
{
	*mode = eswitch_mode;
	return 0;
}

static int mode_set(struct devlink *dl, u16 mode, struct netlink_ext_ack *ack)
{
	eswitch_mode = mode;
	return 0;
}

static const struct devlink_ops devlink_ops = {
	.eswitch_mode_get = mode_get,
	.eswitch_mode_set = mode_set,
};

static void ports_del(void)
{
	unsigned int i;

	for (i = 0; i < testnic_n_ports; i++)
		testnic_port_del(i);
}

static int ports_add(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < testnic_n_ports && !err; i++)
		err = testnic_port_add(i, devlink, &platform->dev);
	if (err)
		ports_del();
	return err;
}

/* "gone": the card is pulled out, or put in again. */
static int gone_set(const char *text, const struct kernel_param *param)
{
	bool value;
	int err = kstrtobool(text, &value);

	if (err)
		return err;
	mutex_lock(&presence);
	if (ready && value && !gone)
		ports_del();
	else if (ready && !value && gone)
		err = ports_add();
	if (!err)
		gone = value;
	mutex_unlock(&presence);
	return err;
}

static const struct kernel_param_ops gone_ops = {.set = gone_set, .get = param_get_bool};
module_param_cb(gone, &gone_ops, &gone, 0644);
MODULE_PARM_DESC(gone, "the card is not there");

static int __init testnic_init(void)
{
	int err;

	if (testnic_n_ports > TESTNIC_PORTS)
		return -EINVAL;
	platform = platform_device_register_simple("testnic", 0, NULL, 0);
	if (IS_ERR(platform))
		return PTR_ERR(platform);
	devlink = devlink_alloc(&devlink_ops, 0, &platform->dev);
	if (!devlink) {
		err = -ENOMEM;
		goto unregister_platform;
	}
	err = testnic_police_register();
	if (err)
		goto free_devlink;
	err = ports_add();
	if (err)
		goto unregister_police;
	err = testnic_indirect_init();
	if (err)
		goto del_ports;
	devlink_register(devlink);
	mutex_lock(&presence);
	ready = true;
	mutex_unlock(&presence);
	return 0;

del_ports:
	ports_del();
unregister_police:
	testnic_police_unregister();
free_devlink:
	devlink_free(devlink);
unregister_platform:
	platform_device_unregister(platform);
	return err;
}

static void __exit testnic_exit(void)
{
	devlink_unregister(devlink);
	testnic_indirect_exit();
	ports_del();
	testnic_police_unregister();
	devlink_free(devlink);
	platform_device_unregister(platform);
}

module_init(testnic_init);
module_exit(testnic_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a switchdev NIC without hardware, for tests");
