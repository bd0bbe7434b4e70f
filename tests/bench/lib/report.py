"""What was measured, as a table for people and as JSON."""
import dataclasses
import os
import pathlib
import platform
import statistics
import time

from disks import GIB
from measure import call

# scenario -> [(ours, peer, what is aimed at)]: at least so many times as fast, on a disk that is 30 % full
GOALS = {
    "S1": [("used blocks + XXH3", "nbdcopy", 3.0), ("used blocks + XXH3", "qemu-img", 3.0),
           ("used blocks + XXH3", "partclone", 3.0), ("read-back", "nbdcopy", 1.9)],
    "S2": [("read-back", "nbdcopy", 1.9)],
    "S3": [("everything", "best", 1.05)],
    "S5": [("used blocks", "qemu-img", 2.5), ("everything", "qemu-img", 1.05)],
    "S6": [("read-back", "dd bs=512", 60.0)],
    "S7": [("bundle", "dd bs=512", 30.0)],
    "S13": [("vmconvert", "virt-v2v", 1.0)],
}
# scenario -> [(ours, peer, at most this share of its processor time)]
PROCESSOR_GOALS = {"S1": [("everything", "nbdcopy", 0.4)], "S3": [("everything", "nbdcopy", 0.4)]}
CACHE_GOAL = 256 * 2**20  # growth of the page cache while ours runs
MEMORY_GOAL = 160 * 2**20


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


def best_peer(costs):
    """The fastest of the others in this round."""
    return min(cost.seconds for name, cost in costs.items() if not name.startswith("vmconvert"))


def verdict(values, limit, at_least=True):
    """By the median; where the range spans the limit, that is said."""
    median = statistics.median(values)
    reached = median >= limit if at_least else median <= limit
    spans = min(values) < limit < max(values)
    return ("reached" if reached else "NOT reached") + (", not in every round" if spans and reached else "")


def goal_rows(result):
    if not result.rounds:
        return []
    names = list(result.rounds[0])
    rows = []
    for ours, peer, aim in GOALS.get(result.name, []):
        us = next((n for n in names if n.startswith("vmconvert") and ours in n), None)
        them = next((n for n in names if peer in n and not n.startswith("vmconvert")), None)
        if us and (them or peer == "best"):
            values = (ratios(result, us, them) if them else
                      [best_peer(costs) / costs[us].seconds for costs in result.rounds])
            rows.append([f"{us}, of {them or 'the fastest peer in the round'}", spread(values) + "x",
                         f"at least {aim}x", verdict(values, aim)])
    for ours, peer, aim in PROCESSOR_GOALS.get(result.name, []):
        us, them = (next((n for n in names if word in n), None) for word in (ours, peer))
        if us and them:
            values = [costs[us].cpu_seconds / costs[them].cpu_seconds for costs in result.rounds]
            rows.append([f"{us}: processor time, of {them}'s", spread(values) + "x", f"at most {aim}x",
                         verdict(values, aim, at_least=False)])
    if result.name in GOALS and result.name not in ("S7", "S13"):  # those are not the copy engine alone
        rows += resource_rows(result, [n for n in names if n.startswith("vmconvert")])
    return rows


def resource_rows(result, ours):
    """The most of all of ours; the page cache's growth is the host's, and others fill it, too."""
    rows = []
    for what, get, aim in (("page cache grew by", lambda c: c.cache_growth, CACHE_GOAL),
                           ("resident memory", lambda c: c.max_rss, MEMORY_GOAL)):
        values = [max(get(costs[name]) for name in ours) / 2**20 for costs in result.rounds]
        rows.append([f"vmconvert: {what}", spread(values, 0) + " MiB", f"under {aim >> 20} MiB",
                     verdict(values, aim / 2**20, at_least=False)])
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
             f"Made by `{command}`. Caches are dropped before each run, every copy is durable at its end; each of",
             "ours was checked, and the last of each peer's. Speeds are ratios inside a round: median [lowest..highest];",
             "more is faster. Read and written",
             "are counters of the disk below, others' traffic included.", ""]
    for result in results:
        lines += [f"### {result.name}: {result.title}", ""]
        if result.rounds:
            lines += [f"{len(result.rounds)} rounds.", "", race_table(result), ""]
        if result.rows:
            lines += [table(["what", "value"], [[name, value] for name, value in result.rows]), ""]
        if goal_rows(result):
            lines += [table(["goal", "measured", "aim", ""], goal_rows(result)), ""]
        lines += [f"{note}\n" for note in result.notes]
        lines += [f"Absent: {name}.\n" for name in result.absent]
    return "\n".join(lines).rstrip() + "\n"


def to_json(command, facts, results):
    return {"command": command, "facts": dict(facts), "scenarios": [dataclasses.asdict(each) for each in results]}
