"""The faults, one function a kind; ROWS at the end lists them. A row gets a Row and raises Broken when vmconvert did
not do what it should. It returns True where the job came to its end, so that its results may stay."""
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess

from bench import MIB, SIZE, loop, require, small_filesystem, wait_until
from kills import (killed_in_a_slow_copy, killed_then_resumed, killed_then_undone, killed_twice,
                   killed_while_undoing, stopped_by)

BUSY = 75
# 1 create, 2 copy, 3 verify, 4 write the description, 5 define; "noted" where something is made.
STEPS = {1: "create", 2: "copy", 3: "verify", 4: "description", 5: "define"}


# ---- reading, writing, flushing

def source_read_fails(row):
    """EIO from a device in the middle of its content."""
    image = row.sources[0]
    with loop(image) as device:
        job = row.prepare([device])
        os.truncate(image, SIZE // 2)
        try:
            row.resume(job, code=1, says=(f"({device}) at byte", "Input/output error"))
        finally:
            shutil.copyfile(row.bench.template, image)
    require(row.states() == ["failed"], f"the job is {row.states()}")
    return False


def bad_sectors_are_mapped(row, kill_at=0):
    """The second half of the source cannot be read: zeros there, the rest as it was, and a map. A kill in between
    loses nothing of the map."""
    image = row.sources[0]
    with loop(image) as device:
        os.truncate(image, SIZE // 2)
        try:
            job = row.prepare([device], map_bad_sectors=True)
            if kill_at:
                row.kill(job, at_bytes=kill_at)
            row.run("resume", job, says=(f"{SIZE // 2} bytes in 1 places could not be read",))
            mapped = (row.state / "jobs" / job / "kept" / "xvda.mapfile").read_text()
            require(f"0x{SIZE // 2:08X}  0x{SIZE // 2:08X}  -" in mapped, mapped)
            written = row.images()[0].read_bytes()
        finally:
            shutil.copyfile(row.bench.template, image)
    require(written == image.read_bytes()[:SIZE // 2] + bytes(SIZE // 2), "the copy is not what could be read")
    row.run("verify", job, "--quiet")
    row.undo(job)
    return False


def file_is_named(row):
    """verify names the guest's file that a difference is in."""
    tree = row.folder / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "precious").write_bytes(b"NEEDLE" * 500)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", tree, row.sources[0]], check=True)
    job = row.prepare()
    row.resume(job)
    image = row.images()[0]
    place = image.read_bytes().find(b"NEEDLE")
    require(place > MIB, "the file is not on the new disk")
    with open(image, "r+b") as file:
        file.seek(place)
        file.write(b"n")
    row.run("verify", job, code=5, says=("partition 1", "/etc/precious", str(place // 65536 * 65536)))
    row.undo(job)
    shutil.copyfile(row.bench.template, row.sources[0])
    return False


def source_changes(row, change, says):
    job = row.prepare()
    row.kill(job, at_bytes=4 * MIB)
    change(row.sources[0])
    row.resume(job, code=3, says=("has changed", *says))
    row.undo(job)
    row.sources[0].unlink(missing_ok=True)
    shutil.copyfile(row.bench.template, row.sources[0])
    return False


def written_to(source):
    with open(source, "r+b") as file:
        file.write(b"a guest that runs")


def touched_in_the_copy(row):
    """Somebody writes to the source while it is read: found out, and all of it taken back."""
    job = row.prepare()
    process = row.start("resume", job, "--progress", "none")
    row.wait_for_copy(job)
    written_to(row.sources[0])
    out, err = process.communicate(timeout=60)
    require(process.returncode == 3 and "has changed" in err, f"exit {process.returncode}: {err}")
    require(row.states() == ["failed"], f"the job is {row.states()}")
    shutil.copyfile(row.bench.template, row.sources[0])
    return False


def target_is_full(row, room):
    with small_filesystem(row.folder / "small", room) as small:
        job = row.prepare(out=small)
        row.resume(job, code=1, says="no space left")
        require(list(small.iterdir()) == [], f"left in the target: {list(small.iterdir())}")
    require(row.states() == ["failed"], f"the job is {row.states()}")
    return False


def target_vanishes(row):
    """The folder is gone when the job goes on."""
    job = row.prepare()
    row.kill(job, "after 1")
    shutil.rmtree(row.out)
    row.resume(job, code=1, says=str(row.out))
    row.out.mkdir()
    row.undo(job)
    return False


def image_vanishes(row):
    job = row.prepare()
    row.kill(job, at_bytes=4 * MIB)
    row.images()[0].unlink()
    row.resume(job, code=3, says="is gone")
    require(row.states() == ["failed"], f"the job is {row.states()}")
    return False


def image_is_anothers(row, then):
    """Somebody has put a file of theirs in the place: it is never touched."""
    job = row.prepare()
    row.kill(job, at_bytes=4 * MIB)
    row.images()[0].unlink()
    row.images()[0].write_bytes(b"precious")
    then(row, job)
    require(row.images()[0].read_bytes() == b"precious", "another's file was touched")
    row.images()[0].unlink()
    return False


def image_is_damaged(row):
    """What lies below a checkpoint is read back before the copy goes on."""
    job = row.prepare()
    row.kill(job, "made 2")
    with open(row.images()[0], "r+b") as file:
        file.seek(9 * MIB)
        file.write(b"rubbish")
    row.resume(job, code=5, says="does not hold what was copied")
    return False


def damage_after_the_end(row):
    job = row.prepare()
    row.resume(job)
    with open(row.images()[0], "r+b") as file:
        file.seek(9 * MIB + 77)
        file.write(b"\0")
    row.run("verify", job, code=5, says=("web-vda.raw", str(9 * MIB)))
    row.undo(job)
    return False


def target_unwritable(row):
    job = row.prepare()
    subprocess.run(["chattr", "+i", row.out], check=True)
    try:
        row.resume(job, code=1, says=str(row.out))
    finally:
        subprocess.run(["chattr", "-i", row.out], check=True)
    return False


# ---- the state folder

def state_is_full(row, point, undo_code=0):
    """No room for a word more in the journal's folder."""
    with small_filesystem(row.state, 8 * MIB):
        job = row.prepare()
        row.kill(job, point)
        fill = row.state / "fill"
        with open(fill, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        row.resume(job, code=(0, 1))
        fill.unlink()
        if row.states() != ["done"]:
            if row.states() != ["failed"]:
                row.undo(job)
            require(not any(path.exists() for path in row.images()), "an image is left")
        else:
            row.undo(job)
    return False


def state_is_read_only(row):
    with small_filesystem(row.state, 8 * MIB):
        job = row.prepare()
        row.kill(job, at_bytes=4 * MIB)
        subprocess.run(["mount", "-o", "remount,ro", row.state], check=True)
        row.resume(job, code=1, says=str(row.state))
        row.undo(job, code=1, says=str(row.state))
        subprocess.run(["mount", "-o", "remount,rw", row.state], check=True)
        row.resume(job)
        row.require_converted()
        row.undo(job)
    return False


def journal_is_rubbish(row):
    job = row.prepare()
    (row.state / "jobs.sqlite").write_bytes(b"no journal at all" * 1000)
    row.resume(job, code=1, says="jobs.sqlite")
    row.run("jobs", code=1, says="jobs.sqlite")
    shutil.rmtree(row.state)
    row.state.mkdir()
    return False


def journal_of_later_version(row):
    job = row.prepare()
    with sqlite3.connect(row.state / "jobs.sqlite") as journal:
        journal.execute("PRAGMA user_version = 99")
    row.resume(job, code=1, says="jobs.sqlite")
    shutil.rmtree(row.state)
    row.state.mkdir()
    return False


def saved_job_is_rubbish(row, text):
    job = row.prepare()
    row.kill(job, at_bytes=4 * MIB)
    (row.state / "jobs" / job / "job.json").write_text(text)
    row.resume(job, code=1, says=("job.json", "undo"))
    row.undo(job)
    return False


def manifest_is_rubbish(row):
    job = row.prepare()
    row.kill(job, at_bytes=8 * MIB)
    (row.state / "jobs" / job / "kept" / "vda.manifest").write_bytes(b"rubbish" * 4000)
    row.resume(job, code=1, says="vda.manifest")
    require(row.states() in (["failed"], ["interrupted"]), f"the job is {row.states()}")
    row.undo(job)
    return False


def overlay_is_gone(row):
    job = row.prepare()
    next((row.state / "jobs" / job / "scratch").glob("*.overlay.qcow2")).unlink()
    row.resume(job, code=1, says="overlay")
    row.undo(job)
    return False


def overlay_is_rubbish(row):
    job = row.prepare()
    next((row.state / "jobs" / job / "scratch").glob("*.overlay.qcow2")).write_bytes(b"rubbish" * 9999)
    row.resume(job, code=1, says="overlay")
    row.undo(job)
    return False


# ---- other programs

def program(row, name, script, composed=False, says=None):
    """The program is of no use: one clear error, and with it back again the job goes on or is undone."""
    if composed:
        # Bare filesystems: their disk has to be put together by nbdkit.
        for source in row.sources:
            subprocess.run(["mkfs.ext4", "-q", "-F", source], check=True)
            os.utime(source, (1_000_000_000, 1_000_000_000))
    job = row.prepare()
    # One that is missing is refused before anything is tried; one that fails is found out on the way.
    row.resume(job, code=1 if script else 3, says=says or name, program=name, script=script)
    require(not row.images()[0].exists(), "an image was made")
    row.undo(job)
    if composed:
        for source in row.sources:
            shutil.copyfile(row.bench.template, source)
    return False


def program_hangs(row, name):
    """It never answers: Ctrl-C ends us at once, and nothing of it stays."""
    job = row.prepare()
    mark = row.folder / "hangs"
    process = row.start("resume", job, program=name, script=f"echo $$ >{mark}\nexec sleep 1000\n")
    wait_until("the program", lambda: mark.exists() and mark.read_text().strip())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    require(process.returncode == 6, f"exit {process.returncode}: {err}")
    require(not pathlib.Path(f"/proc/{mark.read_text().strip()}").exists(), "it still runs")
    row.resume(job)
    row.require_converted()
    return True


def server_dies(row):
    """qemu-nbd, which serves the overlay, is killed in mid-copy."""
    job = row.prepare()
    process = row.start("resume", job, "--progress", "none")
    row.wait_for_copy(job)
    killed = False
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if words.startswith("qemu-nbd") and str(row.folder) in words:
                os.kill(int(entry.name), signal.SIGKILL)
                killed = True
    require(killed, "there was no qemu-nbd")
    (row.state / "jobs" / job / "rate-limit").write_text("0")
    out, err = process.communicate(timeout=60)
    # Nothing is patched in this guest: the overlay is not even read.
    require(process.returncode in (0, 1), f"exit {process.returncode}: {err}")
    if process.returncode == 0:
        row.require_converted()
    return True


# ---- libvirt

def libvirt_refuses(row):
    job = row.prepare()
    saved = row.state / "jobs" / job / "job.json"
    text = saved.read_text()
    require("machine='pc'" in text or 'machine=\\"pc\\"' in text, "no machine in the description")
    saved.write_text(text.replace("machine='pc'", "machine='abacus'").replace('machine=\\"pc\\"',
                                                                             'machine=\\"abacus\\"'))
    row.resume(job, code=1, says="defining a domain")
    require(row.states() == ["failed"], f"the job is {row.states()}")
    return False


def name_is_taken_meanwhile(row):
    job = row.prepare()
    row.kill(job, "after 4")
    other = row.folder / "other.xml"
    other.write_text("<domain type='qemu'><name>web</name><memory>65536</memory><os><type arch='x86_64' "
                     "machine='pc'>hvm</type></os></domain>")
    subprocess.run(["virsh", "-q", "-c", row.bench.uri(), "define", other], check=True, capture_output=True)
    row.resume(job, code=3, says="has got a domain named web meanwhile")
    require("web" in row.bench.domains(), "another's domain was undefined")
    subprocess.run(["virsh", "-q", "-c", row.bench.uri(), "undefine", "web"], check=True, capture_output=True)
    return False


def domain_is_anothers(row):
    """Undefined and defined anew by somebody: undo leaves theirs alone."""
    job = row.prepare()
    row.resume(job)
    subprocess.run(["virsh", "-q", "-c", row.bench.uri(), "undefine", "web"], check=True, capture_output=True)
    other = row.folder / "other.xml"
    other.write_text("<domain type='qemu'><name>web</name><memory>65536</memory><os><type arch='x86_64' "
                     "machine='pc'>hvm</type></os></domain>")
    subprocess.run(["virsh", "-q", "-c", row.bench.uri(), "define", other], check=True, capture_output=True)
    row.undo(job)
    require("web" in row.bench.domains(), "another's domain was undefined")
    subprocess.run(["virsh", "-q", "-c", row.bench.uri(), "undefine", "web"], check=True, capture_output=True)
    return False


# ---- several at once

def same_job(row, count):
    """All want to go on with one job: one does, the others name it and say so."""
    job = row.prepare()
    processes = [row.start("resume", job, "--progress", "none") for _ in range(count)]
    row.wait_for_copy(job)
    wait_until("the others", lambda: sum(p.poll() is not None for p in processes) == count - 1)
    (row.state / "jobs" / job / "rate-limit").write_text("0")
    ended = [(p, *p.communicate(timeout=60)) for p in processes]
    codes = sorted(p.returncode for p, _, _ in ended)
    require(codes == [0] + [BUSY] * (count - 1), f"exit codes {codes}: {[err for _, _, err in ended]}")
    require(all("another vmconvert" in err for p, _, err in ended if p.returncode == BUSY), "busy, but with whom?")
    row.require_converted()
    return True


def same_source(row, count):
    """Several jobs of one guest: one lock a source, and the second knows who holds it."""
    outs = [row.folder / f"out{i}" for i in range(count)]
    for out in outs:
        out.mkdir()
    jobs = [row.prepare(out=out) for out in outs]
    first = row.start("resume", jobs[0], "--progress", "none")
    row.wait_for_copy(jobs[0])
    others = [row.start("resume", job, "--progress", "none") for job in jobs[1:]]
    for process in others:
        out, err = process.communicate(timeout=60)
        require(process.returncode == BUSY and f"process {first.pid}" in err, f"exit {process.returncode}: {err}")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    for job in jobs:
        row.undo(job)
    for out in outs:
        require(list(out.iterdir()) == [], f"left: {list(out.iterdir())}")
    return False


def different_guests(row, count):
    """Each with disks and names of its own, in one state folder: all come to their end."""
    sources = [row.folder / f"guest{i}.img" for i in range(count)]
    for source in sources:
        shutil.copyfile(row.bench.template, source)
    jobs = [row.prepare([source], f"guest{i}", i) for i, source in enumerate(sources)]
    processes = [row.start("resume", job, "--quiet") for job in jobs]
    for process in processes:
        out, err = process.communicate(timeout=150)
        require(process.returncode == 0, f"exit {process.returncode}: {err}")
    require(row.states() == ["done"] * count, f"the jobs are {row.states()}")
    for i, job in enumerate(jobs):
        row.require_converted(f"guest{i}") if count == 1 else None
        row.undo(job)
    return False


def one_embedded_libvirt(row):
    """The folder of an embedded driver is another process's: waited for, then all goes well."""
    job = row.prepare()
    row.kill(job, "after 4")
    row.bench.embed.mkdir(exist_ok=True)
    holder = subprocess.Popen(["flock", str(row.bench.embed / "vmconvert.lock"), "sleep", "3"])
    row.resume(job)
    holder.wait()
    row.require_converted()
    return True


def points(define):
    found = []
    for step, name in STEPS.items():
        if (step == 5) == define:
            moments = ["before", "begun", "noted", "made", "after"]
            if step in (2, 3):
                moments.remove("noted")
            found += [(f"{moment} {step}", name) for moment in moments]
    return found


def all_rows():
    """Name, function, options of the row; the small selection begins with '*'."""
    rows = []
    small = {"before 1", "noted 1", "made 2", "noted 4"}
    for point, step in points(define=False):
        star = "*" if point in small else ""
        rows.append((f"{star}kill {point} ({step}), resume", lambda r, p=point: killed_then_resumed(r, p), {}))
        rows.append((f"{star}kill {point} ({step}), undo", lambda r, p=point: killed_then_undone(r, p), {}))
    for point, step in points(define=True):
        star = "*" if point == "noted 5" else ""
        rows.append((f"kill {point} ({step}), resume", lambda r, p=point: killed_then_resumed(r, p), {"define": True}))
        rows.append((f"{star}kill {point} ({step}), undo", lambda r, p=point: killed_then_undone(r, p),
                     {"define": True}))
    chance = random.Random(20261128)
    for number in range(8):
        at = chance.randrange(1, SIZE - MIB)
        form = ("raw", "qcow2")[number % 2]
        rows.append((f"kill in the copy at byte {at} ({form}), resume",
                     lambda r, a=at: killed_then_resumed(r, at_bytes=a), {"format_": form}))
    for number in range(4):
        at = chance.randrange(1, SIZE - MIB)
        star = "*" if number == 0 else ""
        rows.append((f"{star}kill in the copy of two disks at byte {2 * at}, {('resume', 'undo')[number % 2]}",
                     lambda r, a=2 * at, f=(killed_then_resumed, killed_then_undone)[number % 2]: f(r, at_bytes=a),
                     {"disks": 2}))
    slow = {"rate": 4 * MIB}
    rows += [
        ("kill in the copy twice, resume", killed_twice, {}),
        ("*kill in a slow copy, the report tells of it", killed_in_a_slow_copy, {"rate": 5 * MIB // 4}),
        ("kill the undo four times, undo", killed_while_undoing, {}),
        ("*SIGINT in the copy, resume", lambda r: stopped_by(r, signal.SIGINT), slow),
        ("SIGTERM in the copy of two disks, resume", lambda r: stopped_by(r, signal.SIGTERM), {**slow, "disks": 2}),
        ("SIGHUP in the copy (qcow2), resume", lambda r: stopped_by(r, signal.SIGHUP), {**slow, "format_": "qcow2"}),
        ("*read: EIO from the source", source_read_fails, {}),
        ("*read: EIO, --bad-sectors=map", bad_sectors_are_mapped, {}),
        ("read: EIO, --bad-sectors=map, killed, resume", lambda r: bad_sectors_are_mapped(r, 9 * MIB), {}),
        ("*target is damaged in a guest's file, verify", file_is_named, {}),
        ("*source is written to in the copy", touched_in_the_copy, slow),
        ("source is written to while killed", lambda r: source_changes(r, written_to, ["it was written to"]), {}),
        ("source shrinks while killed", lambda r: source_changes(r, lambda s: os.truncate(s, MIB), [str(MIB)]), {}),
        ("source vanishes while killed", lambda r: source_changes(r, os.unlink, ["does not exist"]), {}),
        ("*write: target file system is full (raw)", lambda r: target_is_full(r, 4 * MIB), {}),
        ("write: target file system is full (qcow2)", lambda r: target_is_full(r, 4 * MIB), {"format_": "qcow2"}),
        ("write: target folder cannot be written", target_unwritable, {}),
        ("target folder vanishes", target_vanishes, {}),
        ("target image vanishes", image_vanishes, {}),
        ("target image is another's by now, resume",
         lambda r: image_is_anothers(r, lambda row, job: row.resume(job, code=3, says="is not the one")), {}),
        ("*target image is another's by now, undo",
         lambda r: image_is_anothers(r, lambda row, job: row.undo(job)), {}),
        ("target image is damaged before it is verified", image_is_damaged, {}),
        ("target image is damaged afterwards, verify", damage_after_the_end, {}),
        ("*state folder is full at the copy", lambda r: state_is_full(r, "before 2"), {}),
        ("state folder is full at the description", lambda r: state_is_full(r, "before 4"), {}),
        ("state folder is read-only", state_is_read_only, {}),
        ("journal is rubbish", journal_is_rubbish, {}),
        ("journal is of a later version", journal_of_later_version, {}),
        ("saved job is cut short", lambda r: saved_job_is_rubbish(r, '{"version": 1, "reque'), {}),
        ("saved job is of another version", lambda r: saved_job_is_rubbish(r, '{"version": 99}'), {}),
        ("manifest is rubbish", manifest_is_rubbish, {}),
        ("overlay is gone", overlay_is_gone, {}),
        ("overlay is rubbish", overlay_is_rubbish, {}),
        ("*qemu-img is missing", lambda r: program(r, "qemu-img", None), {}),
        ("qemu-img fails", lambda r: program(r, "qemu-img", "echo broken >&2; exit 1\n", says="broken"), {}),
        ("qemu-img dies", lambda r: program(r, "qemu-img", "kill -SEGV $$\n"), {}),
        ("qemu-img hangs", lambda r: program_hangs(r, "qemu-img"), {}),
        ("qemu-nbd is missing", lambda r: program(r, "qemu-nbd", None), {}),
        ("*qemu-nbd fails", lambda r: program(r, "qemu-nbd", "echo broken; exit 1\n", says="broken"), {}),
        ("qemu-nbd prints rubbish and ends", lambda r: program(r, "qemu-nbd", "head -c 99999 /dev/urandom\n",
                                                               says="NBD server"), {}),
        ("qemu-nbd hangs", lambda r: program_hangs(r, "qemu-nbd"), {}),
        ("qemu-nbd is killed in the copy", server_dies, slow),
        ("nbdkit is missing", lambda r: program(r, "nbdkit", None, composed=True), {}),
        ("nbdkit fails", lambda r: program(r, "nbdkit", "echo broken; exit 1\n", composed=True, says="broken"), {}),
        ("*libvirt refuses the definition", libvirt_refuses, {"define": True}),
        ("the name is taken meanwhile", name_is_taken_meanwhile, {"define": True}),
        ("the domain is another's by now, undo", domain_is_anothers, {"define": True}),
        ("*two processes, one job", lambda r: same_job(r, 2), slow),
        ("ten processes, one job", lambda r: same_job(r, 10), slow),
        ("two jobs of one guest", lambda r: same_source(r, 2), slow),
        ("ten jobs of one guest", lambda r: same_source(r, 10), slow),
        ("*two guests at once", lambda r: different_guests(r, 2), {}),
        ("ten guests at once", lambda r: different_guests(r, 10), {}),
        ("the embedded libvirt is another process's", one_embedded_libvirt, {"define": True}),
    ]
    return rows
