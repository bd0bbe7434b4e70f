"""What the system tests share: running vmconvert, and seeing that nothing was left behind."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VMCONVERT = pathlib.Path(os.environ.get("VMCONVERT", ROOT / "build" / "vmconvert"))
CACHE = pathlib.Path(os.environ.get("VMCONVERT_TEST_CACHE", "/var/cache/vmconvert-tests"))
# What a test run knows of this host's accelerator is probed once for all tests.
HOST_STATE = CACHE / "host-state"


# Of a finished job, below the state folder: for status, verify, report, and to redo a part of it.
KEPT = ("console.log", ".manifest", "report.json", "/lock", "kept/job.json", "kept/definition.json",
        "kept/source-domain.json")


class Failure(Exception):
    """A test's expectation that did not hold."""


def expect(holds, what):
    if not holds:
        raise Failure(what)
    print(f"  ok  {what}", flush=True)


def checksum(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(8 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def clean_environment():
    """No variable that a user would have to set: the program must cope without."""
    return {key: value for key, value in os.environ.items()
            if not key.startswith(("LIBGUESTFS_", "VMCONVERT"))}


def run(*words, timeout=1500):
    words = [str(word) for word in words]
    print("+ " + " ".join(words), flush=True)
    return subprocess.run([str(VMCONVERT), *words], capture_output=True, text=True, timeout=timeout,
                          env=clean_environment(), errors="replace", check=False)


def parse(result):
    try:
        return json.loads(result.stdout)
    except ValueError as error:
        raise Failure(f"no JSON on stdout ({error}): {result.stdout[:500]!r}\n{result.stderr[-3000:]}") \
            from error


def jobs(state):
    """What `vmconvert jobs` says, without making a journal where there is none."""
    if not (state / "jobs.sqlite").exists():
        return []
    return parse(run("jobs", "--json", "--state-dir", state))["jobs"]


def helpers_of(folder):
    """Processes that have a path below the folder in their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in words and "vmconvert-test-runner" not in words:
                found.append(f"{entry.name}: {words[:200]}")
    return found


def loop_devices():
    return sorted(p.name for p in pathlib.Path("/sys/block").glob("loop*")
                  if (p / "loop" / "backing_file").exists())


def files_below(folder):
    folder = pathlib.Path(folder)
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def expect_nothing_left(folder, state, allowed=()):
    """No process, socket or scratch file; in the state folder only locks, the journal and what is remembered."""
    expect(helpers_of(folder) == [], "no process is left")
    unfinished = [job["job"] for job in jobs(state) if job["state"] not in ("done", "failed", "undone")]
    expect(unfinished == [], f"no job is unfinished {unfinished}")
    left = [name for name in files_below(state)
            if not name.startswith(("locks/", "libvirt/", "accelerator")) and name != "jobs.sqlite"
            and not any(name.endswith(suffix) for suffix in allowed)]
    expect(left == [], f"nothing is left in the state folder{': ' + str(left) if left else ''}")


def main(test):
    try:
        test()
    except Failure as failure:
        print(f"FAILED: {failure}", flush=True)
        sys.exit(1)
    print("passed")
