"""The workbench of the fault rows: a tiny guest, jobs on it that need no appliance, and the lists of what a host has,
taken before and after."""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from harness import VMCONVERT, clean_environment, helpers_of, loop_devices  # noqa: E402

BUILD = pathlib.Path(os.environ.get("VMCONVERT_BUILD", VMCONVERT.parent))
DRIVER = BUILD / "tests" / "fault-driver"
MIB = 1 << 20
SIZE = 12 * MIB  # three nodes of the manifest: a beginning, a middle and an end
KILLED = -signal.SIGKILL
UUID = "c0ffee00-1111-2222-3333-4444555566%02x"


class Broken(Exception):
    """What a row expected did not hold."""


def require(holds, what):
    if not holds:
        raise Broken(what)


def checksum(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def nbd_devices():
    return sorted(p.name for p in pathlib.Path("/sys/block").glob("nbd*") if (p / "pid").exists())


def unix_sockets(folder):
    return sorted(line.split()[-1] for line in pathlib.Path("/proc/net/unix").read_text().splitlines()
                  if str(folder) in line)


class Bench:
    """What all rows of a run share. `embed`: the folder of a libvirt driver that needs no daemon."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.embed = self.folder / "embed"
        self.template = self.folder / "template.img"
        content = bytearray(random.Random(4).randbytes(SIZE))
        content[:MIB] = bytes(MIB)  # no table, no signature
        content[5 * MIB:6 * MIB] = bytes(MIB)
        self.template.write_bytes(content)

    def uri(self):
        return f"qemu:///embed?root={self.embed}"

    def domains(self):
        if not self.embed.exists():
            return []
        found = subprocess.run([str(VMCONVERT), "list", "--json", "-c", self.uri()], capture_output=True, text=True,
                               env=clean_environment(), timeout=120, check=False)
        return re.findall(r'"name": *"([^"]*)"', found.stdout)


class Row:
    """One fault: a folder with sources, a target folder, a state folder; and one job, or several."""

    def __init__(self, bench, disks=1, format_="raw", define=False, rate=0):
        self.bench = bench
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="row.", dir=bench.folder))
        self.out = self.folder / "out"
        self.state = self.folder / "state"
        self.out.mkdir()
        self.state.mkdir(mode=0o700)
        self.format = format_
        self.define = define
        self.rate = rate
        self.processes = []
        self.sources = []
        for number in range(disks):
            self.sources.append(self.folder / f"source{number}.img")
            shutil.copyfile(bench.template, self.sources[-1])
        self.expected = checksum(bench.template)
        self.before = self.host()

    def host(self):
        return {"loop devices": loop_devices(), "nbd devices": nbd_devices(),
                "domains": self.bench.domains() if self.define else []}

    def description(self, sources=None, name="web", number=0):
        disks = "".join(
            f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{path}'/>"
            f"<target dev='xvd{chr(97 + i)}' bus='xen'/></disk>" for i, path in enumerate(sources or self.sources))
        path = self.folder / f"{name}.xml"
        path.write_text(f"<domain type='xen'><name>{name}</name><uuid>{UUID % number}</uuid>"
                        f"<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os>"
                        f"<devices>{disks}</devices></domain>")
        return path

    def prepare(self, sources=None, name="web", number=0, out=None, map_bad_sectors=False):
        words = [DRIVER, "prepare", self.state, self.description(sources, name, number), "--dir", out or self.out,
                 "--format", self.format, "--rate", self.rate]
        if self.define:
            words += ["--define", self.bench.uri()]
        if map_bad_sectors:
            words.append("--map-bad-sectors")
        made = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False)
        require(made.returncode == 0, f"prepare: {made.stderr}")
        return made.stdout.strip()

    def kill(self, job, point=None, at_bytes=0):
        """A process that goes on with the job and dies there."""
        words = [DRIVER, "carry", self.state, job, "--die", point or "never", "--die-at-bytes", at_bytes]
        died = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False)
        require(died.returncode == KILLED, f"not killed at {point or at_bytes}: exit {died.returncode} {died.stderr}")

    def start(self, *words, program=None, script=None):
        """Where a program is named, it is this script of ours; without a script it cannot be found."""
        environment = clean_environment()
        hide = []
        if program:
            shims = self.folder / "bin"
            shims.mkdir(exist_ok=True)
            shim = shims / program
            shim.write_text(f"#!/bin/sh\n{script}")
            shim.chmod(0o755 if script else 0o644)
            if script:
                environment["PATH"] = f"{shims}:{environment['PATH']}"
            else:  # in this process' own eyes: no file is touched
                hide = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                        'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh", str(shim), shutil.which(program)]
        process = subprocess.Popen([*hide, str(VMCONVERT), *map(str, words), "--state-dir", str(self.state)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                                   env=environment)
        self.processes.append(process)
        return process

    def run(self, *words, code=0, says=(), **options):
        """Its stderr. `code`: one exit code, or several that are right."""
        process = self.start(*words, **options)
        try:
            out, err = process.communicate(timeout=150)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Broken(f"vmconvert {words[0]} hangs") from None
        codes = code if isinstance(code, tuple) else (code,)
        require(process.returncode in codes, f"vmconvert {words[0]}: exit {process.returncode}, not {code}: {err}")
        if process.returncode not in (0, 6):
            require("vmconvert: " in err and "internal error" not in err, f"no clear message: {err!r}")
        for phrase in [says] if isinstance(says, str) else says:
            require(phrase in err + out, f"{phrase!r} is not in {err + out!r}")
        return err + out

    def resume(self, job, **options):
        return self.run("resume", job, "--quiet", **options)

    def undo(self, job, **options):
        return self.run("undo", job, "--quiet", **options)

    def states(self):
        if not (self.state / "jobs.sqlite").exists():
            return []
        return [job["state"] for job in json.loads(self.run("jobs", "--json"))["jobs"]]

    def require_told(self, job, state="killed"):
        """Whoever comes next is told what happened and what to do."""
        said = self.run("status", job)
        require(state in said and f"vmconvert resume {job}" in said and f"vmconvert undo {job}" in said,
                f"status says only: {said}")

    def images(self, name="web"):
        suffix = "qcow2" if self.format == "qcow2" else "raw"
        return [self.out / f"{name}-vd{chr(97 + i)}.{suffix}" for i in range(len(self.sources))]

    def require_converted(self, name="web"):
        for image in self.images(name):
            require(image.exists(), f"{image} is not there")
            if self.format == "qcow2":
                same = subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", "qcow2", self.bench.template,
                                       image], capture_output=True, text=True, check=False)
                require(same.returncode == 0, f"{image} differs: {same.stdout}{same.stderr}")
                whole = subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", image], capture_output=True, text=True,
                                       check=False)
                require(whole.returncode == 0, f"qemu-img check: {whole.stdout}{whole.stderr}")
            else:
                require(checksum(image) == self.expected, f"{image} is not what the source holds")
        require((self.out / f"{name}.xml").exists(), "no description was written")

    def intact(self):
        return [str(source) for source in self.sources if source.exists() and checksum(source) != self.expected]

    def leftovers(self, finished=True, kept=()):
        """What is there and should not be. `finished`: the job came to its end and its results may stay."""
        found = []
        results = {"web.xml"} | {image.name for image in self.images()} if finished else set()
        results |= set(kept)
        found += [f"out/{p.name}" for p in sorted(self.out.iterdir()) if p.name not in results]
        for path in sorted(self.state.rglob("*")):
            name = str(path.relative_to(self.state))
            known = name.startswith(("locks/", "jobs.sqlite", "accelerator")) or path.is_dir()
            # What tells of a job that failed, and what a finished one is verified with.
            known = known or re.fullmatch(r"jobs/[^/]+/(lock|kept/report\.json)", name)
            of_finished = r"jobs/[^/]+/kept/(vd.\.manifest|(job|definition)\.json)"
            known = known or (finished and re.fullmatch(of_finished, name))
            if not known:
                found.append(f"state/{name}")
        found += [f"process {text}" for text in helpers_of(self.folder)]
        found += [f"socket {text}" for text in unix_sockets(self.folder)]
        for kind, names in self.host().items():
            own = {"web"} if finished and kind == "domains" else set()
            found += [f"{kind}: {name}" for name in names if name not in self.before[kind] and name not in own]
        return found

    def wait_for_copy(self, job):
        wait_until("the copy", (self.state / "jobs" / job / "kept" / "vda.manifest").exists)

    def close(self):
        for process in self.processes:  # of a row that broke off
            if process.poll() is None:
                process.kill()
                process.communicate()
        if self.define and "web" in self.bench.domains():
            subprocess.run(["virsh", "-q", "-c", self.bench.uri(), "undefine", "web"], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def small_filesystem(folder, size):
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@contextlib.contextmanager
def loop(path):
    device = subprocess.run(["losetup", "--show", "--find", "--direct-io=on", str(path)], check=True,
                            capture_output=True, text=True).stdout.strip()
    try:
        yield pathlib.Path(device)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def wait_until(what, holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        require(time.monotonic() < end, f"waited {seconds} s for {what}")
        time.sleep(0.02)
