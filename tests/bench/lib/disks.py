"""The disks that are copied. They are made once and kept in the cache folder.

The guest disk: an MBR with ext3, ext4, swap and xfs, filled with files of this machine's /usr of
which a part is deleted again. The image is written from end to end before (random bytes and zeros
by turns), as a logical volume that had an owner before: no holes, and old content in free space."""
import json
import os
import pathlib
import random
import shutil
import stat
import struct

from measure import BenchError, Loop, Mount, call

MIB = 1 << 20
GIB = 1 << 30
PIECE = 4 * MIB
VERSION = 5  # of what is made here: a cached disk of another version is made anew


def random_block(seed):
    return random.Random(seed).randbytes(PIECE)


def fill(path, size, zero_every=0):
    """A file without holes; every `zero_every`-th MiB is zeros."""
    block = random_block(7)
    with open(path, "wb") as file:
        for at in range(0, size, MIB):
            number = at // MIB
            if zero_every and number % zero_every == 0:
                file.write(bytes(min(MIB, size - at)))
                continue
            # No two MiB alike: a copy that mixes them up is found out.
            piece = bytearray(block[(number % 4) * MIB:(number % 4 + 1) * MIB])
            for sector in range(0, MIB, 4096):
                struct.pack_into("<Q", piece, sector, at + sector + 1)
            file.write(piece[:min(MIB, size - at)])
        file.flush()
        os.fsync(file.fileno())


def layout(full):
    sizes = [256, 3072, 512] if full else [64, 480, 64]
    total = 6 * GIB if full else GIB
    start = MIB
    rows = []
    for (kind, code), size in zip((("ext3", 0x83), ("ext4", 0x83), ("swap", 0x82)), sizes):
        rows.append({"kind": kind, "code": code, "start": start, "length": size * MIB})
        start += size * MIB
    rows.append({"kind": "xfs", "code": 0x83, "start": start, "length": total - start - MIB})
    return total, rows


def write_table(path, rows):
    table = bytearray(512)
    struct.pack_into("<I", table, 440, 0x564D4342)
    for number, row in enumerate(rows):
        struct.pack_into("<B3sB3sII", table, 446 + 16 * number, 0x80 if number == 0 else 0, b"\xfe\xff\xff",
                         row["code"], b"\xfe\xff\xff", row["start"] // 512, row["length"] // 512)
    table[510:512] = b"\x55\xaa"
    with open(path, "r+b") as file:
        file.write(table)


def real_files(seed):
    """Plain files below /usr with their sizes, in an order of our own, each at most 8 MiB."""
    found = []
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and 0 < status.st_size <= 8 * MIB:
                found.append((path, status.st_size))
    random.Random(seed).shuffle(found)
    return found


def populate(folder, room, files, rng):
    """Copies files until the room is used, then deletes most of them again, as years do."""
    made = []
    used = 0
    while files and used < room:
        path, size = files.pop()
        target = pathlib.Path(str(folder) + path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, target, follow_symlinks=False)
        except OSError:
            continue  # gone, or no room for its folders: the next one
        made.append((target, size))
        used += size + 2048
    os.sync()  # or the deleted ones never reach the disk
    rng.shuffle(made)
    keep = room * 0.26  # with journals, tables and merged gaps 30 % of the disk are needed then
    for path, size in made:
        if used <= keep:
            break
        path.unlink()
        used -= size + 2048
    os.sync()


MAKERS = {"ext3": ["mkfs.ext3", "-q", "-F", "-E", "nodiscard"], "ext4": ["mkfs.ext4", "-q", "-F", "-E", "nodiscard"],
          "xfs": ["mkfs.xfs", "-q", "-f", "-K"], "swap": ["mkswap"]}


class Disk:
    """An image in the cache folder, with what is known of it."""

    def __init__(self, path, size, rows=()):
        self.path = pathlib.Path(path)
        self.size = size
        self.rows = list(rows)
        self.expected = self.path.with_suffix(".expected")
        self.extents = self.path.with_suffix(".extents")
        self.facts = {}

    def needed(self):
        return [tuple(map(int, line.split())) for line in self.extents.read_text().splitlines()]


def make_guest(cache, full):
    size, rows = layout(full)
    disk = Disk(cache / f"guest-{'full' if full else 'small'}.img", size, rows)
    stamp = disk.path.with_suffix(".json")
    if stamp.exists() and json.loads(stamp.read_text()).get("version") == VERSION:
        disk.facts = json.loads(stamp.read_text())
        return disk
    print(f"making {disk.path}: {size // MIB} MiB", flush=True)
    fill(disk.path, size, zero_every=2)
    write_table(disk.path, rows)
    rng = random.Random(11)
    files = real_files(5)
    for row in rows:
        with Loop(disk.path, row["start"], row["length"]) as device:
            call(*MAKERS[row["kind"]], device)
            if row["kind"] != "swap":
                with Mount(device, cache / "mount", row["kind"], read_only=False) as folder:
                    populate(folder, int(row["length"] * 0.74), files, rng)
    write_again(disk.path)
    disk.facts = {"version": VERSION, "size": size}
    return disk


def write_again(path):
    """What mkfs has zeroed by the file system's metadata counts as a hole: it is made content."""
    with open(path, "r+b") as file:
        for at in range(0, os.fstat(file.fileno()).st_size, PIECE):
            file.seek(at)
            piece = file.read(PIECE)
            file.seek(at)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def finish_guest(disk, copy_disk):
    """What is needed of it, by the map; what a copy with the map must look like; its stamp."""
    stamp = disk.path.with_suffix(".json")
    if stamp.exists() and json.loads(stamp.read_text()).get("version") == VERSION:
        return
    disk.extents.unlink(missing_ok=True)
    report = json.loads(call(copy_disk, "--map", "--plan-only", "--extents", disk.extents, disk.path))
    kinds = [note["content"] for note in report["map"] if note["by_map"]]
    if kinds != [row["kind"] for row in disk.rows]:
        raise BenchError(f"not all of the disk was mapped: {report['map']}")
    write_expected(disk)
    needed = disk.needed()
    zero = sum(count_zero(piece) for piece in pieces(disk.path))
    disk.facts.update(needed=sum(length for _, length in needed), ranges=len(needed), zero=zero * 4096)
    stamp.write_text(json.dumps(disk.facts))


def churn(disk, changed, mountpoint, share):
    """A copy of the disk where so much of what its files hold lies elsewhere, with other bytes. Returns how much."""
    call("cp", "--sparse=never", disk.path, changed.path)
    rng = random.Random(13)
    replaced = 0
    for row in changed.rows:
        if row["kind"] == "swap":
            continue
        with Loop(changed.path, row["start"], row["length"]) as device, \
                Mount(device, mountpoint, row["kind"], read_only=False) as folder:
            files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
            left = share * sum(path.stat().st_size for path in files)
            rng.shuffle(files)
            for path in files:
                if left <= 0:
                    break
                content = path.read_bytes()
                fresh = path.with_name(path.name + ".new")
                fresh.write_bytes(content[::-1])  # compresses as well as the old
                fresh.rename(path)
                left -= len(content)
                replaced += len(content)
            os.sync()
    return replaced


def find_needed(disk, copy_disk):
    """By the map, for a disk that is used but once."""
    call(copy_disk, "--map", "--plan-only", "--extents", disk.extents, disk.path)
    write_expected(disk)


def write_expected(disk):
    """What a copy with the map must look like: zeros wherever nothing is needed."""
    with open(disk.path, "rb") as source, open(disk.expected, "wb") as target:
        target.truncate(disk.size)
        for offset, length in disk.needed():
            source.seek(offset)
            target.seek(offset)
            while length > 0:
                piece = source.read(min(length, PIECE))
                target.write(piece)
                length -= len(piece)


def pieces(path):
    with open(path, "rb") as file:
        yield from iter(lambda: file.read(MIB), b"")


def count_zero(piece):
    zero = bytes(4096)
    return sum(piece[at:at + 4096] == zero for at in range(0, len(piece), 4096))


def make_random(cache, size):
    disk = Disk(cache / f"random-{size // MIB}.img", size)
    if not disk.path.exists() or disk.path.stat().st_size != size:
        print(f"making {disk.path}: {size // MIB} MiB", flush=True)
        fill(disk.path.with_suffix(".part"), size)
        disk.path.with_suffix(".part").rename(disk.path)
    return disk


def make_sparse(cache, size):
    """A disk with little on it: 4 MiB of data every 256 MiB, holes between."""
    disk = Disk(cache / f"sparse-{size // MIB}.img", size)
    if not disk.path.exists():
        with open(disk.path, "wb") as file:
            file.truncate(size)
            for at in range(0, min(size, 64 * GIB), 256 * MIB):
                file.seek(at + MIB)
                file.write(random_block(at))
    return disk
