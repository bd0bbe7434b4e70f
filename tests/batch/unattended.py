"""Runs of a batch as cron does them, and what kills their converters in the middle."""
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import time

from guests import LEFT, RETRIED, build, to_toml
from harness import VMCONVERT, Failure, expect, parse, run

PR_SET_CHILD_SUBREAPER = 36


def take_in_orphans():
    """What a killed process leaves running becomes ours, and is seen."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise Failure("this process cannot take in orphans")


def children(pid):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        except (OSError, IndexError):
            continue
        if int(parent) == pid:
            found.append((int(entry.name), state))
    return found


def command_of(pid):
    """Nothing of a process that has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def orphans(known):
    """Children of ours that we did not start. Those that have ended are taken leave of."""
    found = []
    for pid, state in children(os.getpid()):
        if pid == known:
            continue
        if state == "Z":
            os.waitpid(pid, 0)
        else:
            found.append(f"{pid}: {' '.join(command_of(pid))[:200]}")
    return found


def expect_no_orphans(known=0, killed=0):
    """`known` is a child of ours. Those of a killed process are ours only when it is gone itself."""
    deadline = time.monotonic() + 10
    while any(command_of(killed)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = orphans(known)
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = orphans(known)
    expect(left == [], f"no helper outlives its converter {left}")


class Batch:
    """A blueprint, and its runs as cron would do them."""

    def __init__(self, folder, name, guests, settings):
        self.folder, self.name, self.guests = folder, name, guests
        self.state, self.out = folder / "state", folder / "out"
        self.file = folder / f"{name}.toml"
        self.settings = settings
        self.process = None
        self.sources = [build(guest, folder / "xen") for guest in guests]
        self.write()

    def write(self, more=""):
        self.file.write_text(to_toml(self.name, f"{self.settings}\n{more}", self.guests, self.sources, self.out))
        checked = run("blueprint", "check", self.file)
        expect(checked.returncode == 0, f"the blueprint of {self.name} has no mistakes {checked.stderr}")

    def start(self, *words):
        """Without terminal, in a session of its own, and with no more environment than cron gives."""
        words = [str(VMCONVERT), "batch", *words, str(self.file)]
        print("+ " + " ".join(words), flush=True)
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/root", "SHELL": "/bin/sh", "LOGNAME": "root",
                       "VMCONVERT_CONFIG": str(self.folder / "vmconvert.toml")}
        with open(self.folder / "mail", "wb") as mail, open(self.folder / "errors", "wb") as errors:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=mail, stderr=errors, cwd="/",
                                            env=environment, start_new_session=True)
        return self.process

    def close(self):
        """Of a test that broke off: nothing goes on working."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def ended(self, process):
        """Exit code and what cron would mail."""
        code = process.wait(timeout=3600)
        mail, errors = (self.folder / "mail").read_text(), (self.folder / "errors").read_text()
        print(f"    exit code {code}\n    " + (mail + errors).replace("\n", "\n    "), flush=True)
        expect(errors == "", "nothing is said on standard error")
        expect(len(mail.splitlines()) < 40, "what is mailed is short")
        expect_no_orphans()
        return code, mail

    def run(self, *words):
        return self.ended(self.start(*words))

    def records(self):
        """What is known of each guest, by its name in the source."""
        listed = parse(run("batch", "status", "--json", self.name, "--state-dir", self.state))["guests"]
        by_source = {record["source"]: record for record in listed}
        return {guest.name: by_source[str(source)] for guest, source in zip(self.guests, self.sources)}

    def log(self, guest):
        """What the guest's process has reported: events."""
        try:
            text = (self.state / "batches" / self.name / f"{guest.target}.log").read_text(errors="replace")
        except OSError:
            return []
        return [json.loads(line) for line in text.splitlines() if line.startswith('{"event"') and line.endswith("}")]

    def copied(self, guest):
        """How much of its copy the process has done, from 0 to 1; nothing before it copies."""
        events = [event for event in self.log(guest) if event.get("stage") == "copy" and event["total"]]
        return events[-1]["done"] / events[-1]["total"] if events else None

    def converter(self, batch_pid, guest):
        """The process of this guest, among those that the batch has started."""
        job = next((event["job"] for event in self.log(guest) if event["event"] == "job"), "no job")
        for pid, _ in children(batch_pid):
            words = command_of(pid)
            if words[:1] == [str(VMCONVERT)] and any(word.endswith(f"/{guest.target}.toml") or word == job
                                                     for word in words):
                return pid
        return None


class Killer:
    """Kills the converters of two guests: one as soon as half of it is copied, and one when the window has no room
    for another guest any more. The second copies so slowly that it must be in the middle then."""

    def __init__(self, batch, process, no_more_after):
        self.batch, self.process, self.no_more_after = batch, process, no_more_after
        self.retried = next((guest for guest in batch.guests if guest.name == RETRIED), None)
        self.left = next((guest for guest in batch.guests if guest.name == LEFT), None)
        self.killed = {}

    def kill(self, guest):
        pid = self.batch.converter(self.process.pid, guest)
        done = self.batch.copied(guest)
        if pid is None or done is None or done >= 1:
            return
        os.kill(pid, signal.SIGKILL)
        self.killed[guest.name] = next(event["job"] for event in self.batch.log(guest) if event["event"] == "job")
        print(f"  killed the converter of {guest.name} when {done:.0%} of its disks were copied", flush=True)
        expect_no_orphans(self.process.pid, pid)

    def slow_down(self, guest):
        job = next((event["job"] for event in self.batch.log(guest) if event["event"] == "job"), None)
        if job:
            (self.batch.state / "jobs" / job / "rate-limit").write_text("400000\n")
        return job

    def watch(self):
        slowed = False
        while self.process.poll() is None:
            if self.left and not slowed:
                slowed = self.slow_down(self.left)
            if self.retried and RETRIED not in self.killed and 0.5 <= (self.batch.copied(self.retried) or 0) < 1:
                self.kill(self.retried)
            if self.left and LEFT not in self.killed and time.time() > self.no_more_after:
                if (self.batch.copied(self.left) or 0) > 0.05:  # so that there is something to go on from
                    self.kill(self.left)
            time.sleep(0.2)
        return self.killed
