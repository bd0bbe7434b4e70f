"""The guests of tests/batch/real-guests: copies of those that tests/guests/build-guest builds, each with a name,
UUID and MAC address of its own, and what the batch asks for with it."""
import dataclasses
import hashlib
import os
import pathlib
import re
import subprocess
import uuid

from harness import CACHE, ROOT, Failure


def tool(*words):
    """What the program says. Of debugfs, too, which ends with 0 whatever happened."""
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if result.returncode != 0 or "not found" in result.stderr:
        raise Failure(f"{' '.join(map(str, words))}: exit code {result.returncode}\n{result.stderr[-2000:]}")
    return result.stdout


def without_kernel(folder):
    """What pygrub boots is gone from /boot, as after an apt autoremove that was cut short."""
    root = folder / "root.img"
    names = re.findall(r"/([^/]*(?:vmlinuz|initrd)[^/]*)/", tool("debugfs", "-R", "ls -p /boot", root))
    for name in names:
        tool("debugfs", "-w", "-R", f"rm /boot/{name}", root)
    left = tool("debugfs", "-R", "ls -p /boot", root)
    if len(names) < 2 or "vmlinuz" in left:
        raise Failure(f"the kernel is still there: {names}, {left}")


def cut_short(folder):
    """The disk ends in the middle of its root partition: a copy that somebody broke off."""
    os.truncate(folder / "disk.img", 300 << 20)


def gone(folder):
    (folder / "root.img").unlink()


@dataclasses.dataclass
class Guest:
    name: str
    row: str
    source: str  # xml or cfg
    keys: str = ""  # of its [[guest]]
    disks: tuple = ("vda.raw",)  # what comes out of it
    new_name: str = ""
    damage: object = None
    exit_code: int = 0  # of a damaged one
    problem: str = ""  # and what its mail says

    @property
    def target(self):
        return self.new_name or self.name

    def files(self):
        return {f"{self.target}-{disk}" for disk in self.disks} | {f"{self.target}.xml"}


# The one that is killed and goes on in the same run; and the one that is left, killed, for the next window.
RETRIED, LEFT = "mail01", "db01"

PILOT = Guest("pilot01", "pygrub-bare", "cfg")

NIGHT = [
    Guest("old03", "ext3-hole", "cfg", "order = 1", damage=without_kernel, exit_code=3, problem="no-kernel"),
    Guest("old04", "field-mbr", "xml", "order = 1", damage=cut_short, exit_code=3, problem="disk-smaller-than-table"),
    Guest("old05", "pygrub-bare", "xml", "order = 1", damage=gone, exit_code=1, problem="does not exist"),
    Guest(RETRIED, "pygrub-bare", "xml", 'order = 2\nrate_limit = "20M"'),
    Guest(LEFT, "hvm-lvm-data", "xml", 'order = 3\nformat = "qcow2"', ("vda.qcow2", "vdb.qcow2")),
    Guest("shop01", "ext3-hole", "xml", "order = 4\ntrial = true"),
    Guest("web01", "pygrub-bare", "cfg", 'order = 5\nname = "web01-copy"\nformat = "qcow2"\nidentity = "clone"\n'
          'hostname = "web01-copy"\nnetwork = { mac = "new" }', ("vda.qcow2",), "web01-copy"),
    Guest("field01", "field-mbr", "cfg", 'order = 6\nmemory = "768 MiB"\nvcpus = 2\nchecksum = "sha256"'),
    Guest("field02", "field-mbr", "xml", 'order = 7\nformat = "qcow2"\nnetwork = { addresses = { "10.0.2.15" = '
          '"198.51.100.15/24" }, gateway = ["198.51.100.1"], dns = ["198.51.100.2"] }', ("vda.qcow2",)),
    Guest("xfs01", "dom0-kernel-xfs", "cfg", 'order = 8\nformat = "qcow2"\ntrial = true', ("vda.qcow2",)),
    Guest("twin01", "hvm-lvm-data", "cfg", 'order = 9\nname = "twin02"\nidentity = "both-alive"\nnew_uuids = true',
          ("vda.raw", "vdb.raw"), "twin02"),
]


def build(guest, below):
    """Returns the description of a copy in a folder of its own below `below`."""
    subprocess.run([ROOT / "tests/guests/build-guest", guest.row], check=True, stdout=subprocess.DEVNULL)
    cached, folder = CACHE / "guests" / guest.row, below / guest.name
    tool("cp", "-a", "--sparse=always", "--reflink=auto", cached, folder)
    for ending in ("xml", "cfg"):
        old, new = folder / f"{guest.row}.{ending}", folder / f"{guest.name}.{ending}"
        text = old.read_text().replace(str(cached), str(folder))
        text = re.sub(rf"(<name>|^name = \"){guest.row}\b", rf"\g<1>{guest.name}", text, flags=re.MULTILINE)
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                      str(uuid.uuid5(uuid.NAMESPACE_DNS, guest.name)), text, count=1)
        mac = ":".join(re.findall("..", hashlib.sha256(guest.name.encode()).hexdigest()[:6]))
        new.write_text(re.sub(r"00:16:3e:[0-9a-f:]{8}", f"00:16:3e:{mac}", text))
        old.unlink()
    if guest.damage:
        guest.damage(folder)
    return folder / f"{guest.name}.{guest.source}"


def to_toml(batch, settings, guests, sources, out):
    """A batch as its blueprint's text."""
    text = f'[batch]\nname = "{batch}"\n{settings}\n[defaults]\ndir = "{out}"\n'
    for guest, source in zip(guests, sources):
        text += f'\n[[guest]]\nsource = "{source}"\n{guest.keys}\n'
    return text


def fingerprint(path):
    """Of a sparse file: where its data are, what they are, its size and times. A write changes it."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        end, at = os.fstat(file.fileno()).st_size, 0
        while at < end:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # no data behind
                break
            hole = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            digest.update(f"{at}-{hole} ".encode())
            os.lseek(file.fileno(), at, os.SEEK_SET)
            while at < hole:
                block = file.read(min(8 << 20, hole - at))
                digest.update(block)
                at += len(block)
    status = pathlib.Path(path).stat()
    return digest.hexdigest(), status.st_size, status.st_mtime_ns, status.st_mode
