"""The scenarios, S1 to S13. Those that time copies give rounds of costs; the others rows of facts."""
import dataclasses
import json
import pathlib
import shutil
import statistics

import checks
import disks
import measure
import peers
from disks import GIB, MIB


@dataclasses.dataclass
class Result:
    name: str
    title: str
    base: str = ""  # the contestant that the others are held against
    rounds: list = dataclasses.field(default_factory=list)  # of {contestant: Cost}
    absent: list = dataclasses.field(default_factory=list)
    rows: list = dataclasses.field(default_factory=list)  # (what, value), where nothing races
    notes: list = dataclasses.field(default_factory=list)
    limit: float = 0.0  # seconds that the device needs for the bytes that move; 0: not known


class Bench:
    """What all scenarios share: the folder, the program under test, the size and the rounds."""

    def __init__(self, cache, tools, full, rounds):
        self.cache = pathlib.Path(cache)
        self.copy_disk = pathlib.Path(tools) / "copy-disk"
        self.vmconvert = pathlib.Path(tools).parent / "vmconvert"
        self.bundle_disk = pathlib.Path(tools) / "bundle-disk"
        self.plan_extents = pathlib.Path(tools) / "plan-extents"
        self.full = full
        self.rounds = rounds
        self.guest_disk = None

    def guest(self):
        if self.guest_disk is None:
            self.guest_disk = disks.make_guest(self.cache, self.full)
            disks.finish_guest(self.guest_disk, self.copy_disk)
        return self.guest_disk

    def ours(self, name, *options, check="expected"):
        return peers.ours(self.copy_disk, name, *options, check=check)

    def race(self, result, disk, contestants, to_device=True, rounds=None):
        """Rounds of all contestants, each onto a target of its own, checked after it was timed."""
        here, result.absent = peers.installed(contestants)
        rounds = rounds or self.rounds
        for number in range(rounds):
            costs = {}
            for contestant in peers.rounds_order(here, number):
                run = self.onto_device if to_device else self.into_file
                what = f"{result.name} round {number + 1}, {contestant.name}"
                costs[contestant.name] = run(disk, contestant, what, number + 1 == rounds)
                print(f"  {what}: {costs[contestant.name].seconds:.2f} s", flush=True)
            result.rounds.append(costs)
        return result

    def onto_device(self, disk, contestant, what, last):
        target = self.cache / "target.img"
        # What an earlier copy zeroed or punched is written again: each finds a target without holes.
        disks.fill(target, disk.size)
        with measure.Loop(disk.path, 0, disk.size, read_only=True) as source, measure.Loop(target) as device:
            loops = contestant.opens(target) if contestant.opens else []
            try:
                cost = measure.measure(contestant.steps(source, device), self.cache)
            finally:
                for loop in loops:
                    loop.__exit__()
        self.judge(disk, contestant, target, what, last, cost)
        return cost

    def into_file(self, disk, contestant, what, last):
        target = self.cache / "target.new"
        target.unlink(missing_ok=True)
        cost = measure.measure(contestant.steps(str(disk.path), str(target)), self.cache)
        self.judge(disk, contestant, target, what, last, cost)
        target.unlink()
        return cost

    def judge(self, disk, contestant, target, what, last, cost):
        if contestant.ours or last:  # that the peers copy well is not what is in question
            measure.drop_caches()
            checks.check(contestant.check, disk, target, self.cache, what, thorough=last)
        if contestant.ours:
            cost.extra = json.loads(cost.output.splitlines()[-1])


MAP = "vmconvert, used blocks + XXH3"
MAP_BACK = "vmconvert, used blocks + XXH3 + read-back"
FULL = "vmconvert, everything + XXH3"


def s1(bench):
    disk = bench.guest()
    result = Result("S1", "guest disk, device to device", "nbdcopy --flush")
    add_limit(bench, disk, result)
    bench.race(result, disk, [
        bench.ours(MAP, "--map"), bench.ours(MAP_BACK, "--map", "--verify"), bench.ours(FULL, check="equal"),
        peers.dd(), peers.nbdcopy(), peers.qemu_img(), peers.partclone(disk)])
    add_share_of_limit(disk, result)
    return result


READ_RATE = "device's limit: sequential read, 8 x 4 MiB in flight, GB/s"
WRITE_RATE = "device's limit: sequential write, 16 x 4 MiB in flight, flushed, GB/s"


def add_limit(bench, disk, result):
    """What the device can do, with nothing else than large requests in flight."""
    if not measure.have("fio"):
        result.absent.append("the device's limit (fio is not installed)")
        return
    target = bench.cache / "target.img"
    rates = {READ_RATE: [], WRITE_RATE: []}
    for _ in range(bench.rounds):
        disks.fill(target, disk.size)
        with measure.Loop(disk.path, read_only=True) as source, measure.Loop(target) as device:
            for name, words in ((READ_RATE, ["--rw=read", "--iodepth=8", "--readonly", f"--filename={source}"]),
                                (WRITE_RATE, ["--rw=write", "--iodepth=16", "--end_fsync=1", f"--filename={device}"])):
                measure.drop_caches()
                report = json.loads(measure.call("fio", "--name=limit", "--direct=1", "--bs=4M", "--ioengine=libaio",
                                                 f"--size={disk.size}", "--output-format=json", *words))
                job = report["jobs"][0]
                rates[name].append(disk.size / job["job_runtime"] * 1e3)
    result.rows += [(name, spread([rate / 1e9 for rate in of], 2)) for name, of in rates.items()]
    needed = disk.facts["needed"]
    result.limit = needed / statistics.median(rates[READ_RATE]) + needed / statistics.median(rates[WRITE_RATE])


def add_share_of_limit(disk, result):
    if result.limit:
        shares = [100 * result.limit / costs[MAP].seconds for costs in result.rounds]
        result.rows.append((f"the bytes that move ({disk.facts['needed'] / 1e9:.2f} GB), read and then written at these "
                            "rates, s", f"{result.limit:.2f}"))
        result.rows.append((f"{MAP}: share of that limit, % (aim: 90)", spread(shares)))


def s2(bench):
    disk = bench.guest()
    result = Result("S2", "guest disk, device to device, every written byte read back", "nbdcopy --flush")
    result.notes.append("Only vmconvert verifies here: the others read nothing back.")
    return bench.race(result, disk, [bench.ours(MAP_BACK, "--map", "--verify"), peers.nbdcopy(), peers.qemu_img()])


def s3(bench):
    disk = disks.make_random(bench.cache, 4 * GIB if bench.full else 512 * MIB)
    result = Result("S3", f"{disk.size // MIB} MiB of random bytes, device to device", "nbdcopy --flush")
    return bench.race(result, disk, [bench.ours(FULL, check="equal"), peers.dd(), peers.nbdcopy(), peers.qemu_img()])


def s4(bench):
    disk = disks.make_sparse(bench.cache, 6 * GIB if bench.full else GIB)
    result = Result("S4", f"sparse file of {disk.size // MIB} MiB to a new file, 4 MiB of data in each 256 MiB",
                    "nbdcopy --flush")
    return bench.race(result, disk, [bench.ours(FULL, check="equal"), peers.nbdcopy_new(), peers.qemu_img(new=True),
                                     peers.cp_sparse()], to_device=False)


def s5(bench):
    disk = bench.guest()
    base = peers.qemu_img("qcow2", new=True)
    result = Result("S5", "guest disk, raw file to a new qcow2 image", base.name)
    return bench.race(result, disk, [
        bench.ours(MAP, "--map", "--format", "qcow2", check="image-expected"),
        bench.ours(FULL, "--format", "qcow2", check="image"), base], to_device=False)


def s6(bench):
    """On the first partition alone, since the field's way takes minutes for more."""
    guest = bench.guest()
    row = guest.rows[0]
    part = disks.Disk(bench.cache / f"slice-{row['length'] // MIB}.img", row["length"])
    with open(guest.path, "rb") as source, open(part.path, "wb") as target:
        source.seek(row["start"])
        for _ in range(row["length"] // MIB):
            target.write(source.read(MIB))
    disks.find_needed(part, bench.copy_disk)
    part.rows = [{**row, "start": 0}]
    base = peers.field(bench.cache)
    result = Result("S6", f"the field's two steps, on {row['length'] // MIB} MiB of {row['kind']}", base.name)
    bench.race(result, part, [bench.ours(MAP_BACK, "--map", "--verify"), base], rounds=2)
    for path in (part.path, part.extents, part.expected, bench.cache / "field.gz"):
        path.unlink()
    return result


def stored_bytes(path):
    return sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())


def s7(bench):
    """Through a file, there and back again. Times are of both ways together."""
    disk = bench.guest()
    ways = peers.ways_through_a_file(bench.bundle_disk, bench.cache)
    base = ways[1][0].name
    result = Result("S7", "guest disk, into a file or bundle and out of it again", base)
    bench.race(result, disk, [contestant for contestant, _ in ways], rounds=min(bench.rounds, 2))
    sizes = {contestant.name: stored_bytes(path) for contestant, path in ways if path.exists()}
    for name, size in sizes.items():
        result.notes.append(f"{name}: {size / MIB:.1f} MiB in between, {size / sizes[base]:.2f} of the gzip pair's.")
    changed = second_export(bench, disk, ways[0][1])
    result.notes.append(f"A second export after 1 % of the used bytes changed added {100 * changed:.2f} % of the bundle.")
    for _, path in ways:
        measure.call(*peers.remove(path))
    return result


def second_export(bench, disk, bundle):
    """Share of the bundle that is new after files' worth of changes, 1 % of what is used, here and there."""
    changed = bench.cache / "s7-changed.img"
    measure.call("cp", "--sparse=always", disk.path, changed)
    extents = [tuple(map(int, line.split())) for line in disk.extents.read_text().splitlines()]
    left = sum(length for _, length in extents) // 100
    long_ones = [extent for extent in extents if extent[1] >= MIB]
    with open(changed, "r+b") as file:
        for number, (offset, length) in enumerate(long_ones * 100):
            if left <= 0:
                break
            at = offset + length // 3 + (number // len(long_ones)) * 4 * MIB
            size = min(disks.random.Random(number).randrange(4096, 512 * 1024, 4096), left)
            if at + size <= offset + length:
                file.seek(at)
                old = file.read(size)
                file.seek(at)
                file.write(old[::-1])  # other bytes that compress as well as those
                left -= size
    before = stored_bytes(bundle)
    report = json.loads(measure.call(bench.bundle_disk, "export", changed, bundle).splitlines()[-1])
    changed.unlink()
    return report["added"] / before


CHURN = 0.03  # of the used bytes, file by file


def s8(bench):
    """What changed since the first export, into the bundle that is there: all is read, little is written."""
    disk = bench.guest()
    changed = disks.Disk(bench.cache / "s8-changed.img", disk.size, disk.rows)
    replaced = disks.churn(disk, changed, bench.cache / "mount", CHURN)
    disks.find_needed(changed, bench.copy_disk)
    first, again = bench.cache / "s8-first.bundle", bench.cache / "s8-again.bundle"
    base = "vmconvert bundle, a first export"
    result = Result("S8", f"export after {100 * CHURN:.0f} % of the used bytes ({replaced / MIB:.0f} MiB) were written "
                    "anew, file by file", base)
    shares = []
    for number in range(min(bench.rounds, 3)):
        for path in (first, again):
            measure.call(*peers.remove(path))
        measure.call(bench.bundle_disk, "export", disk.path, again)
        before = stored_bytes(again)
        ways = {base: first, "vmconvert bundle, a second export": again}
        costs = {}
        for name in list(ways)[::1 if number % 2 == 0 else -1]:
            costs[name] = measure.measure([[bench.bundle_disk, "export", changed.path, ways[name]]], bench.cache)
            print(f"  S8 round {number + 1}, {name}: {costs[name].seconds:.2f} s", flush=True)
        shares.append(100 * json.loads(costs["vmconvert bundle, a second export"].output.splitlines()[-1])["added"] / before)
        result.rounds.append(costs)
    target = bench.cache / "target.img"
    disks.fill(target, disk.size)
    with measure.Loop(target) as device:
        measure.call(bench.bundle_disk, "import", again, device)
    checks.check("expected", changed, target, bench.cache, "S8", thorough=True)
    result.rows.append(("the second export added, % of the bundle", spread(shares, 2)))
    for path in (first, again, changed.path, changed.expected, changed.extents):
        measure.call(*peers.remove(path))
    return result


def s9(bench):
    disk = bench.guest()
    result = Result("S9", "planning alone")
    reports = []
    for cold in (True, False):
        for _ in range(bench.rounds):
            if cold:
                measure.drop_caches()
            reports.append((cold, json.loads(measure.call(bench.copy_disk, "--map", "--plan-only", disk.path))))
    for cold, name in ((True, "cold"), (False, "warm")):
        times = [report["plan_seconds"] * 1000 for was_cold, report in reports if was_cold == cold]
        result.rows.append((f"allocation map and extents, {name} cache, ms", spread(times)))
    arithmetic = [json.loads(measure.call(bench.plan_extents, "1000000")) for _ in range(bench.rounds)]
    for key, name in (("without_free_seconds", "taking 1 million free ranges off, ms"),
                      ("fingerprint_seconds", "fingerprint of the 2 million extents, ms")):
        result.rows.append((name, spread([each[key] * 1000 for each in arithmetic])))
    return result


def s10(bench):
    result = Result("S10", "resources of a full copy, file to new file")
    sizes = [(disks.make_random(bench.cache, GIB), "1 GiB of random bytes"),
             (disks.make_sparse(bench.cache, 1024 * GIB), "1 TiB, sparse")]
    for disk, name in sizes:
        contestants, result.absent = peers.installed([bench.ours("vmconvert", check="equal"), peers.nbdcopy_new()])
        for contestant in contestants:
            target = bench.cache / "target.new"
            target.unlink(missing_ok=True)
            cost = measure.measure(contestant.steps(str(disk.path), str(target)), bench.cache)
            stays = sum(int(measure.call("fincore", "-b", "-n", "-o", "RES", path)) for path in (disk.path, target))
            result.rows.append((f"{name}, {contestant.name}",
                                f"RSS {cost.max_rss / MIB:.0f} MiB, cpu {cost.cpu_seconds:.2f} s, page cache grew by at "
                                f"most {cost.cache_growth / MIB:.0f} MiB, {stays / MIB:.0f} MiB of both files stay in it"))
            if disk.size <= GIB:
                checks.same_bytes(disk.path, target, disk.size, f"S10 {contestant.name}")
            elif contestant.ours:
                check_sparse(disk, target)
            target.unlink(missing_ok=True)
    return result


def check_sparse(disk, target):
    for at in range(0, 64 * GIB, 256 * MIB):
        with open(disk.path, "rb") as one, open(target, "rb") as two:
            one.seek(at)
            two.seek(at)
            if one.read(8 * MIB) != two.read(8 * MIB):
                raise measure.BenchError(f"S10: the copy differs near {at}")


WHOLE_GUEST = "hvm-lvm-data"  # virt-v2v reads no guest of bare volumes, and none whose kernel lies on the host


def s13(bench):
    """The programs as people call them: a real guest, its appliance, its copy. Not its boot."""
    build = pathlib.Path(__file__).resolve().parents[2] / "guests" / "build-guest"
    description = next(path for path in measure.call(build, WHOLE_GUEST).splitlines() if path.endswith(".xml"))
    base = "virt-v2v -o local"
    result = Result("S13", f"a whole conversion of the guest {WHOLE_GUEST}, with its appliance in plain emulation", base)
    contestants, result.absent = peers.installed(peers.whole(bench.vmconvert, description, bench.cache / "whole"))
    for number in range(min(bench.rounds, 2)):
        costs = {}
        for contestant in peers.rounds_order(contestants, number):
            shutil.rmtree(bench.cache / "whole", ignore_errors=True)
            (bench.cache / "whole").mkdir()
            costs[contestant.name] = measure.measure(contestant.steps(None, None), bench.cache)
            print(f"  S13 round {number + 1}, {contestant.name}: {costs[contestant.name].seconds:.1f} s", flush=True)
        result.rounds.append(costs)
    shutil.rmtree(bench.cache / "whole", ignore_errors=True)
    return result


def elsewhere(name, title, where):
    def scenario(_):
        return Result(name, title, notes=[f"No measurement; see {where}."])
    return scenario


def spread(values, digits=1):
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}..{max(values):.{digits}f}]"


SCENARIOS = {
    "S1": s1, "S2": s2, "S3": s3, "S4": s4, "S5": s5, "S6": s6, "S7": s7, "S8": s8, "S9": s9, "S10": s10,
    "S11": elsewhere("S11", "disks in use are copied whole", "tests/unit/allocation_*_test.cpp"),
    "S12": elsewhere("S12", "an interrupted copy goes on", "tests/system/interrupted-copy"),
    "S13": s13,
}
