"""Running a contestant: cold caches before it, everything on the device after it, and what it cost."""
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

SECTOR = 512


class BenchError(Exception):
    """The benchmark cannot go on, or a copy is not what it should be."""


def call(*words, **options):
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False, **options)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def have(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


class Loop:
    """A loop device over a file, or over a part of it; with direct I/O, as a volume on a real disk."""

    def __init__(self, path, start=0, length=None, read_only=False, direct=True):
        words = ["losetup", "--show", "--find", "--offset", str(start)]
        words += ["--direct-io=on"] if direct else []
        words += ["--sizelimit", str(length)] if length is not None else []
        words += ["--read-only"] if read_only else []
        for attempt in range(20):
            try:
                self.path = call(*words, path).strip()
                break
            except BenchError:
                if attempt == 19:
                    raise
                time.sleep(0.1)  # somebody else took the device that was free

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        for _ in range(50):
            if subprocess.run(["losetup", "--detach", self.path], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise BenchError(f"{self.path} cannot be detached")


class Mount:
    """One of our own images, mounted."""

    def __init__(self, device, folder, kind, read_only=True):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        options = []
        if read_only:
            options = ["ro", "nouuid", "norecovery"] if kind == "xfs" else ["ro", "noload"]
        call("mount", "-t", kind, *(["-o", ",".join(options)] if options else []), device, self.folder)

    def __enter__(self):
        return self.folder

    def __exit__(self, *_):
        call("umount", self.folder)
        self.folder.rmdir()


def drop_caches():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")


def cached_bytes():
    """Page cache of files and of block devices, without shared memory."""
    lines = dict(line.split(":", 1) for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    return sum(sign * int(lines[name].split()[0]) * 1024
               for name, sign in (("Cached", 1), ("Buffers", 1), ("Shmem", -1)))


def disk_counters(folder):
    """Bytes that the disk below the folder has read and written; (0, 0) where it is no disk."""
    device = os.stat(folder).st_dev
    for line in pathlib.Path("/proc/diskstats").read_text().splitlines():
        words = line.split()
        if (int(words[0]), int(words[1])) == (os.major(device), os.minor(device)):
            return int(words[5]) * SECTOR, int(words[9]) * SECTOR
    return 0, 0


@dataclasses.dataclass
class Cost:
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    max_rss: int = 0
    disk_read: int = 0
    disk_written: int = 0
    cache_growth: int = 0
    output: str = ""
    extra: dict = dataclasses.field(default_factory=dict)


def peak_memory(pid):
    """Of the program that runs now. What wait4() tells begins with the memory of whoever forked it."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # it has ended
    return 0


class Watch:
    """The largest growth of the page cache, and the most memory of a process, while something runs."""

    def __enter__(self):
        self.start = self.most = cached_bytes()
        self.memory = 0
        self.pids = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.stop.wait(0.02):
            self.most = max(self.most, cached_bytes())
            self.memory = max([self.memory, *map(peak_memory, list(self.pids))])

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.most = max(self.most, cached_bytes())

    @property
    def growth(self):
        return self.most - self.start


def start_pipeline(words, output_path):
    """Programs that feed each other, as a shell's pipe does; the last one's output is kept."""
    running = []
    feed = None
    for number, argv in enumerate(words):
        last = number + 1 == len(words)
        target = open(output_path, "wb") if last else subprocess.PIPE
        process = subprocess.Popen([str(word) for word in argv], stdin=feed, stdout=target,
                                   stderr=subprocess.PIPE if last else subprocess.DEVNULL)
        if feed:
            feed.close()
        if last:
            target.close()
        feed = process.stdout
        running.append(process)
    return running


def run_step(words, output_path, cost, watch):
    pipeline = words if isinstance(words[0], (list, tuple)) else [words]
    running = start_pipeline(pipeline, output_path)
    watch.pids = [process.pid for process in running]
    complaint = running[-1].stderr.read().decode(errors="replace")
    for process, argv in zip(running, pipeline):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cost.cpu_seconds += usage.ru_utime + usage.ru_stime
        if process.returncode != 0:
            name = signal.Signals(-process.returncode).name if process.returncode < 0 else process.returncode
            raise BenchError(f"{' '.join(map(str, argv))}: {name}\n{complaint[-2000:]}")
    running[-1].stderr.close()


def measure(steps, folder):
    """Runs the steps one after the other. `folder` is on the disk whose counters are taken."""
    drop_caches()
    cost = Cost()
    output = pathlib.Path(folder) / "output.txt"
    read, written = disk_counters(folder)
    with Watch() as watch:
        start = time.monotonic()
        for words in steps:
            run_step(words, words_output(words, output), cost, watch)
        cost.seconds = time.monotonic() - start
    os.sync()
    read_after, written_after = disk_counters(folder)
    cost.disk_read, cost.disk_written = read_after - read, written_after - written
    cost.cache_growth, cost.max_rss = watch.growth, watch.memory
    cost.output = output.read_text(errors="replace") if output.exists() else ""
    output.unlink(missing_ok=True)
    return cost


def words_output(words, fallback):
    """A step may name where its output goes: ("> FILE", argv...)."""
    last = words[-1] if isinstance(words[0], (list, tuple)) else words
    return last.output if isinstance(last, To) else fallback


class To(list):
    """argv whose output goes to a file, as with a shell's >."""

    def __init__(self, output, words):
        super().__init__(words)
        self.output = output
