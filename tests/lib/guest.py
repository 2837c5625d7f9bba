# SPDX-License-Identifier: Apache-2.0
"""A guest with Debian's own kernel, under QEMU without KVM.

The kernel's packages are fetched with apt and unpacked beside the build, not installed. The guest
sees this host's root read-only (over 9p, with what it writes in memory) and runs a script there;
its output and exit status come back through a folder.

    guest.run("script.sh", timeout=60) -> (status, output, kernel log)

User space is some 30 times slower in there than here."""
import contextlib
import fcntl
import functools
import glob
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import tempfile

import slu

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SLU_BUILD", os.path.join(ROOT, "build"))
HOME = BUILD + "-vm"  # packages, what is made of them, and the runs
PARTS = "virtio_pci", "9pnet_virtio", "9p", "overlay"  # modules that reach the root

# What bash runs in the guest, by tests/vm/guest/init.c.
SCRIPT = """cd {root}
{environment}
{script}
"""


INIT = os.path.join(ROOT, "tests/vm/guest/init.c")


class Broken(Exception):
    """There is no guest to run anything in."""


def command(*words, cwd=None):
    p = subprocess.run(words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    if p.returncode:
        raise Broken("%s: exit %d\n%s" % (" ".join(words), p.returncode, p.stdout))
    return p.stdout


@contextlib.contextmanager
def one_at_a_time(name):
    os.makedirs(HOME, exist_ok=True)
    with open(os.path.join(HOME, name + ".lock"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def digest(*paths):
    """Of what these files hold: what is made of them is not made twice."""
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            total.update(f.read() + b"\0")
    return total.hexdigest()[:16]


def find_abi():
    found = re.search(r"Depends: linux-image-([0-9][^ \n]*)-amd64",
                      command("apt-cache", "depends", "linux-image-amd64"))
    if not found:
        raise Broken("linux-image-amd64 depends on no kernel (apt-get update?)")
    return found.group(1)


@functools.cache
def abi():
    """Of the kernel that Debian's own meta-package asks for: "6.1.0-25"."""
    try:
        return find_abi()
    except Broken:  # the lists of packages may be missing
        command("apt-get", "-o", "Acquire::Retries=3", "update")
        return find_abi()


def unpack(*packages):
    """The folder in which these Debian packages are unpacked."""
    where = os.path.join(HOME, packages[0])
    with one_at_a_time("fetch"):
        if os.path.exists(where):
            return where
        part = where + ".part"
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part + "/deb")
        os.chmod(part + "/deb", 0o777)  # apt gives up root's rights to download
        command("apt-get", "-o", "Acquire::Retries=3", "download", *packages, cwd=part + "/deb")
        for deb in glob.glob(part + "/deb/*.deb"):
            command("dpkg-deb", "-x", deb, part)
        shutil.rmtree(part + "/deb")
        os.rename(part, where)
    return where


class Kernel:
    """Debian's kernel, made ready to be booted."""

    def __init__(self):
        self.abi = abi()
        self.release = self.abi + "-amd64"
        self.root = unpack("linux-image-" + self.release)
        self.vmlinux = os.path.join(self.root, "vmlinux")
        self.initrd = os.path.join(self.root, "initrd-" + digest(__file__, INIT))
        with one_at_a_time("make"):
            if not os.path.exists(os.path.join(self.root, "lib/modules", self.release, "modules.dep")):
                command("/sbin/depmod", "-b", self.root, self.release)
            if not os.path.exists(self.vmlinux):
                self.extract()
            if not os.path.exists(self.initrd):
                self.make_initrd()

    def extract(self):
        """QEMU boots the ELF file itself: to unpack it in the guest would take seconds."""
        with open(os.path.join(self.root, "boot/vmlinuz-" + self.release), "rb") as f:
            image = f.read()
        start = image.find(b"\xfd7zXZ\0")
        if start < 0:
            raise Broken("there is no XZ archive in the kernel of " + self.release)
        elf = lzma.LZMADecompressor().decompress(image[start:])
        with open(self.vmlinux + ".part", "wb") as f:
            f.write(elf)
        os.rename(self.vmlinux + ".part", self.vmlinux)

    def module_files(self):
        """Those that reach the root, each after what it needs."""
        files = []
        for name in PARTS:
            for line in command("/sbin/modprobe", "-d", self.root, "-S", self.release,
                                "--show-depends", name).splitlines():
                words = line.split()
                if words[0] == "insmod" and words[1] not in files:
                    files.append(words[1])
        return files

    def make_initrd(self):
        with tempfile.TemporaryDirectory(dir=HOME) as top:
            for name in ("root", "modules", "written"):
                os.mkdir(os.path.join(top, name))
            files = self.module_files()
            for path in files:
                shutil.copy(path, top + "/modules")
            with open(top + "/modules/list", "w") as f:
                f.write("".join(os.path.basename(path) + "\n" for path in files))
            command("gcc", "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-o", top + "/init", INIT)
            command("sh", "-c", "find . | cpio -o -H newc -R 0:0 --quiet >'%s.part'" % self.initrd,
                    cwd=top)
        os.rename(self.initrd + ".part", self.initrd)


def module(source):
    """Compiles a kernel module for the guest; returns the path of its .ko file."""
    release, name = abi() + "-amd64", os.path.basename(source)
    where = os.path.join(HOME, "%s-%s-%s" % (name, release, digest(*sorted(glob.glob(source + "/*")))))
    made = os.path.join(where, name + ".ko")
    headers = unpack("linux-headers-" + release, "linux-headers-%s-common" % abi(),
                     "linux-kbuild-6.1")
    with one_at_a_time("module"):
        if os.path.exists(made):
            return made
        makefile = os.path.join(headers, "usr/src/linux-headers-" + release, "Makefile")
        with open(makefile) as f:
            text = f.read()
        with open(makefile, "w") as f:
            f.write(re.sub(r"(?<![\w.])/usr/src/", headers + "/usr/src/", text)
                    if headers not in text else text)
        os.makedirs(where, exist_ok=True)
        for path in glob.glob(source + "/*"):
            shutil.copy2(path, where)
        command("make", "-s", "-C", os.path.dirname(makefile), "M=" + where, "modules")
    return made


def qemu(kernel, folder, cpus, memory, devices=()):
    return ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi,tb-size=256", "-cpu",
            "max", "-smp", str(cpus), "-m", str(memory), "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-serial", "file:%s/console" % folder,
            "-kernel", kernel.vmlinux, "-initrd", kernel.initrd,
            "-append", "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr "
                       "tsc=reliable no_timer_check cryptomgr.notests audit=0 lsm=",
            "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=root,mount_tag=hostroot",
            "-fsdev", "local,id=run,path=%s,security_model=none" % folder,
            "-device", "virtio-9p-pci,fsdev=run,mount_tag=run", *devices]


def read(folder, name):
    try:
        with open(os.path.join(folder, name), errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Guest:
    """A guest that runs a command line. `devices`: further arguments of QEMU, which is started in
    the network namespace `ns`. The guest sees `folder` as /mnt."""

    def __init__(self, script, cpus=1, memory=1024, env=None, devices=(), ns=None):
        kernel = Kernel()
        self.folder = tempfile.mkdtemp(prefix="run-", dir=HOME)
        environment = "".join("export %s=%s\n" % pair for pair in (env or {}).items())
        with open(self.folder + "/script", "w") as f:
            f.write(SCRIPT.format(root=ROOT, script=script, environment=environment))
        with open(self.folder + "/kernel", "w") as f:
            f.write(kernel.root)
        command = qemu(kernel, self.folder, cpus, memory, devices)
        if ns:
            command = ["ip", "netns", "exec", str(ns)] + command
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)

    def read(self, name):
        return read(self.folder, name)

    def wait(self, timeout):
        """Its exit status, output and kernel log. Broken if it does not come so far."""
        try:
            said, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            said = "no end after %d s" % timeout
        status, output = self.read("status").strip(), self.read("output")
        if not status:
            raise Broken("the guest came to no end: %s\n%s\nconsole:\n%s" % (
                said, output, self.read("console")[-3000:]))
        log = self.read("dmesg")
        shutil.rmtree(self.folder)
        return int(status), output, log


def run(script, timeout=120, cpus=1, memory=1024, env=None):
    """Runs a command line in a new guest: its exit status, output and kernel log."""
    return Guest(script, cpus, memory, env).wait(timeout)


def holds(name, *args, timeout=120, cpus=2):
    """Runs a script of tests/vm that says "all of it holds" in the end, and looks through the kernel's
    log."""
    status, output, log = run("bash %s %s" % (
        os.path.join(ROOT, "tests/vm", name), " ".join(args)), timeout, cpus)
    print(output)
    slu.expect_equal(status, 0, "exit status")
    slu.expect_in("all of it holds", output, "the end")
    for bad in ("BUG", "WARNING:", "Oops", "refcount"):
        slu.expect(bad not in log, "the kernel's log has no %s:\n%s" % (bad, log[-3000:]))


def card():
    """The test card's module."""
    return module(os.path.join(ROOT, "tests/vm/testnic"))
