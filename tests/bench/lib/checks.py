"""Whether a copy is what it should be. Every copy that is timed is looked at."""
import concurrent.futures
import os
import pathlib
import subprocess

from measure import BenchError, Loop, Mount, call

PIECE = 4 << 20
FSCK = {"ext3": ["e2fsck", "-fn"], "ext4": ["e2fsck", "-fn"], "xfs": ["xfs_repair", "-n"]}


def same_bytes(first, second, size, what):
    """The first `size` bytes of two files or devices are equal."""
    with open(first, "rb") as a, open(second, "rb") as b:
        def differs(offset):
            length = min(PIECE, size - offset)
            one = os.pread(a.fileno(), length, offset)
            return len(one) != length or one != os.pread(b.fileno(), length, offset)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            offsets = range(0, size, PIECE)
            for offset, bad in zip(offsets, pool.map(differs, offsets)):
                if bad:
                    raise BenchError(f"{what}: the copy differs in the {PIECE} bytes from {offset} on")


def check_filesystems(disk, target, what):
    for row in disk.rows:
        if row["kind"] in FSCK:
            with Loop(target, row["start"], row["length"], read_only=True, direct=False) as device:
                done = subprocess.run([*FSCK[row["kind"]], device], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise BenchError(f"{what}: {FSCK[row['kind']][0]} on its {row['kind']}: {done.stdout[-1500:]}")


def same_files(disk, target, scratch, what):
    """Every file of every filesystem, as the kernel reads it: what no map of ours has a say in."""
    for row in disk.rows:
        if row["kind"] == "swap":
            continue
        with Loop(disk.path, row["start"], row["length"], read_only=True, direct=False) as one, \
                Loop(target, row["start"], row["length"], read_only=True, direct=False) as two, \
                Mount(one, pathlib.Path(scratch) / "one", row["kind"]) as source, \
                Mount(two, pathlib.Path(scratch) / "two", row["kind"]) as copy:
            done = subprocess.run(["diff", "-r", "--no-dereference", source, copy], capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                raise BenchError(f"{what}: files of its {row['kind']} differ: {done.stdout[:1000]}{done.stderr[:500]}")


def check_image(disk, target, expected, what):
    call("qemu-img", "check", "-q", "-f", "qcow2", target)
    done = subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "qcow2", expected, target], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{what}: {done.stdout}{done.stderr}")


def check(kind, disk, target, scratch, what, thorough):
    """`kind` as in peers.Contestant; `thorough` compares the files of mounted filesystems besides."""
    if kind == "equal":
        same_bytes(disk.path, target, disk.size, what)
    elif kind == "expected":  # what is needed is equal, all the rest is zeros
        same_bytes(disk.expected, target, disk.size, what)
        check_filesystems(disk, target, what)
    elif kind == "partitions":
        same_bytes(disk.path, target, disk.rows[0]["start"], what)
        check_filesystems(disk, target, what)
    else:
        check_image(disk, target, disk.path if kind == "image" else disk.expected, what)
    if thorough and kind in ("expected", "partitions"):
        same_files(disk, target, scratch, what)
