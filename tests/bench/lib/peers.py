"""The contestants: what each one runs to copy a disk, durable at its end."""
import dataclasses
import pathlib
from typing import Callable

from measure import Loop, To, have


@dataclasses.dataclass
class Contestant:
    name: str
    program: str  # what has to be installed
    steps: Callable  # (source, target) -> list of argv, run one after the other
    check: str  # equal, expected, partitions, image, image-expected
    ours: bool = False
    opens: Callable = None  # (target image) -> list of Loop that it needs besides


def installed(contestants):
    """Those that can run, and the names of those that cannot."""
    here = [c for c in contestants if c.ours or have(c.program)]
    return here, [f"{c.name} ({c.program} is not installed)" for c in contestants if c not in here]


def ours(copy_disk, name, *options, check):
    return Contestant(name, str(copy_disk), lambda s, t: [[copy_disk, *options, s, t]], check, ours=True)


def dd(name="dd bs=4M direct"):
    return Contestant(name, "dd", lambda s, t: [["dd", f"if={s}", f"of={t}", "bs=4M", "iflag=direct",
                                                 "oflag=direct", "conv=fsync,notrunc", "status=none"]], "equal")


def nbdcopy():
    return Contestant("nbdcopy --flush", "nbdcopy", lambda s, t: [["nbdcopy", "--flush", "--", s, t]], "equal")


def nbdcopy_new():
    def steps(source, target):
        return [["truncate", "--reference", source, "--", target],
                ["nbdcopy", "--flush", "--destination-is-zero", "--", source, target]]
    return Contestant("nbdcopy --flush", "nbdcopy", steps, "equal")


def qemu_img(form="raw", new=False):
    def steps(source, target):
        words = ["qemu-img", "convert", *([] if new else ["-n"]), "-f", "raw", "-O", form, "-t", "none", "-T", "none",
                 "-m", "16", "-W", source, target]
        return [words, ["sync", "-d", target]]
    name = f"qemu-img convert{'' if new else ' -n'} -t none -T none -m 16 -W"
    return Contestant(name, "qemu-img", steps, "image" if form == "qcow2" else "equal")


def cp_sparse():
    return Contestant("cp --sparse=always", "cp",
                      lambda s, t: [["cp", "--sparse=always", s, t], ["sync", "-d", t]], "equal")


def partclone(disk):
    """Each filesystem by itself, the table and swap's header by dd. Needs a device for each partition."""
    devices = []  # of the partitions: (from, to)
    program = {"ext3": "partclone.extfs", "ext4": "partclone.extfs", "xfs": "partclone.xfs"}

    def steps(source, target):
        log = str(pathlib.Path(disk.path).with_suffix(".partclone"))
        words = [["dd", f"if={source}", f"of={target}", "bs=1M", "count=1", "conv=notrunc", "status=none"]]
        for row, (from_, to) in zip(disk.rows, devices):
            if row["kind"] == "swap":
                words.append(["dd", f"if={from_}", f"of={to}", "bs=4K", "count=1", "conv=notrunc", "status=none"])
            else:
                words.append([program[row["kind"]], "-b", "-q", "-F", "-L", log, "-s", from_, "-o", to])
            words.append(["sync", "-d", to])
        return words + [["sync", "-d", target]]

    def opens(target_image):
        loops = []
        for row in disk.rows:
            loops += [Loop(disk.path, row["start"], row["length"], read_only=True),
                      Loop(target_image, row["start"], row["length"])]
        devices[:] = [(loops[i].path, loops[i + 1].path) for i in range(0, len(loops), 2)]
        return loops
    return Contestant("partclone, a run for each partition", "partclone.extfs", steps, "partitions", opens=opens)


def field(scratch):
    """What is done in the field: an export with gzip, then an import."""
    packed = str(pathlib.Path(scratch) / "field.gz")

    def steps(source, target):
        return [[["dd", f"if={source}", "bs=512", "status=none"], To(packed, ["gzip"])],
                ["sync", packed],
                [["gzip", "-dc", packed], ["dd", f"of={target}", "bs=512", "status=none"]],
                ["sync", "-d", target]]
    return Contestant("dd bs=512 to gzip; gzip -dc to dd bs=512", "gzip", steps, "equal")


def remove(path):
    return ["rm", "-rf", "--", str(path)]


def packed(name, program, pack, unpack, path, check="equal"):
    """A way through a file: `pack` writes `path` from a source, `unpack` a target from it."""
    def steps(source, target):
        return [remove(path), *pack(source), ["sync", "-f", str(path)], *unpack(target)]
    return Contestant(name, program, steps, check)


def ways_through_a_file(bundle_disk, scratch):
    """Each as (contestant, path of what it leaves): there and back again."""
    at = pathlib.Path(scratch)
    gz, zst, qcow, bundle = at / "s7.gz", at / "s7.zst", at / "s7.qcow2", at / "s7.bundle"
    return [
        (packed("vmconvert bundle", str(bundle_disk), lambda s: [[bundle_disk, "export", s, bundle]],
                lambda t: [[bundle_disk, "import", bundle, t]], bundle, "expected"), bundle),
        (packed("dd bs=512 to gzip; gzip -dc to dd bs=512", "gzip",
                lambda s: [[["dd", f"if={s}", "bs=512", "status=none"], To(str(gz), ["gzip"])]],
                lambda t: [[["gzip", "-dc", str(gz)], ["dd", f"of={t}", "bs=512", "status=none"]],
                           ["sync", "-d", t]], gz), gz),
        (packed("dd bs=4M to zstd -1 -T0; zstd -dc to dd bs=4M", "zstd",
                lambda s: [[["dd", f"if={s}", "bs=4M", "status=none"], To(str(zst), ["zstd", "-1", "-T0"])]],
                lambda t: [[["zstd", "-dc", str(zst)], ["dd", f"of={t}", "bs=4M", "iflag=fullblock", "status=none"]],
                           ["sync", "-d", t]], zst), zst),
        (packed("qemu-img convert -c (zstd), and back", "qemu-img",
                lambda s: [["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "compression_type=zstd",
                            "-m", "16", "-W", s, str(qcow)]],
                lambda t: [["qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw", "-t", "none", "-m", "16", "-W",
                            str(qcow), t], ["sync", "-d", t]], qcow), qcow),
    ]


def whole(vmconvert, description, folder):
    """Whole conversions to raw files, by programs that bring an appliance of their own."""
    plain = ["env", "LIBGUESTFS_BACKEND=direct", "LIBGUESTFS_BACKEND_SETTINGS=force_tcg"]
    state = folder.parent / "state"  # what it has learnt of this host's accelerator stays
    return [
        Contestant("vmconvert convert --dir", str(vmconvert), lambda *_: [
            [vmconvert, "convert", description, "--dir", folder, "--state-dir", state, "--no-define",
             "--progress", "none"]], "", ours=True),
        Contestant("virt-v2v -o local", "virt-v2v", lambda *_: [
            [*plain, "virt-v2v", "-i", "libvirtxml", description, "-o", "local", "-os", folder, "-of", "raw"]], ""),
    ]


def rounds_order(contestants, number):
    """Another one begins each round, and every second round goes backwards."""
    turned = contestants[number % len(contestants):] + contestants[:number % len(contestants)]
    return turned if number % 2 == 0 else turned[::-1]
