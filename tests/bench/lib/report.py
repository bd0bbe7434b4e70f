"""What was measured, as a table for people and as JSON."""
import dataclasses
import os
import pathlib
import platform
import statistics
import time

from disks import GIB
from measure import call

GOALS = {  # scenario -> [(ours, peer, at least so many times as fast)], see docs/benchmarks.md
    "S1": [("used blocks + XXH3", "nbdcopy", 2.3), ("used blocks + XXH3", "qemu-img", 2.3),
           ("used blocks + XXH3", "partclone", 2.3), ("read-back", "nbdcopy", 1.5),
           ("everything", "nbdcopy", 0.95)],
    "S2": [("read-back", "nbdcopy", 1.5)],
    "S3": [("everything", "nbdcopy", 0.95)],
    "S5": [("used blocks", "qemu-img", 2.0), ("everything", "qemu-img", 1.0)],
    "S6": [("read-back", "dd bs=512", 40.0)],
}


def ratios(result, name, base):
    return [costs[base].seconds / costs[name].seconds for costs in result.rounds if base in costs and name in costs]


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}..{max(values):.{digits}f}]"


def median_of(result, name, get):
    return statistics.median(get(costs[name]) for costs in result.rounds)


def table(head, rows):
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]])


def race_table(result):
    names = list(result.rounds[0])
    base = result.base if result.base in names else names[-1]
    names.sort(key=lambda name: median_of(result, name, lambda cost: cost.seconds))
    rows = []
    for name in names:
        rows.append([name, spread([costs[name].seconds for costs in result.rounds]),
                     spread(ratios(result, name, base)) + "x",
                     f"{median_of(result, name, lambda c: c.cpu_seconds):.2f}",
                     f"{median_of(result, name, lambda c: c.disk_read) / 1e9:.2f}",
                     f"{median_of(result, name, lambda c: c.disk_written) / 1e9:.2f}",
                     f"{median_of(result, name, lambda c: c.max_rss) / 2**20:.0f}",
                     f"{median_of(result, name, lambda c: c.cache_growth) / 2**20:.0f}"])
    return table(["tool", "seconds", f"speed, of {base}", "cpu s", "read GB", "written GB", "RSS MiB",
                  "cache MiB"], rows)


def goal_rows(result):
    rows = []
    for ours, peer, bar in GOALS.get(result.name, []) if result.rounds else []:
        names = list(result.rounds[0])
        us = next((n for n in names if n.startswith("vmconvert") and ours in n), None)
        them = next((n for n in names if peer in n), None)
        if us and them:
            values = ratios(result, us, them)
            rows.append([f"{us}, of {them}", spread(values) + "x", f"{bar}x",
                         "reached" if statistics.median(values) >= bar else "NOT reached"])
    return rows


def machine(folder):
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) * 1024
    where = call("findmnt", "-n", "-o", "SOURCE,FSTYPE,OPTIONS", "--target", folder).strip()
    return [("date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())), ("processor", f"{os.cpu_count()} x {cpu}"),
            ("memory", f"{memory / GIB:.0f} GiB"), ("kernel", platform.release()),
            ("folder", " ".join(where.split())), ("load at the start", pathlib.Path("/proc/loadavg").read_text()[:14])]


def about_disk(disk):
    if disk is None:
        return []
    facts = disk.facts
    return [("guest disk", f"{facts['size'] / GIB:g} GiB (ext3, ext4, swap, xfs), no holes; needed by the maps "
             f"{facts['needed'] / 1e9:.2f} GB = {100 * facts['needed'] / facts['size']:.1f} % in {facts['ranges']} "
             f"ranges, zeros (4 KiB) {100 * facts['zero'] / facts['size']:.1f} %")]


def to_markdown(command, facts, results):
    lines = [table(["", ""], [[name, value] for name, value in facts]), "",
             f"Made by `{command}`. Caches are dropped before each run, every copy is durable at its end and was",
             "checked. Speeds are ratios inside a round: median [lowest..highest]; more is faster. Read and written",
             "are counters of the disk below, others' traffic included.", ""]
    for result in results:
        lines += [f"### {result.name}: {result.title}", ""]
        if result.rounds:
            lines += [f"{len(result.rounds)} rounds.", "", race_table(result), ""]
        if result.rows:
            lines += [table(["what", "value"], [[name, value] for name, value in result.rows]), ""]
        if goal_rows(result):
            lines += [table(["goal", "measured", "bar", ""], goal_rows(result)), ""]
        lines += [f"{note}\n" for note in result.notes]
        lines += [f"Absent: {name}.\n" for name in result.absent]
    return "\n".join(lines).rstrip() + "\n"


def to_json(command, facts, results):
    return {"command": command, "facts": dict(facts), "scenarios": [dataclasses.asdict(each) for each in results]}
