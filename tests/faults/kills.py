"""Processes that are killed or stopped: one function a kind, for the rows."""
import json
import subprocess

from bench import MIB, require


def killed_then_resumed(row, point=None, at_bytes=0):
    job = row.prepare()
    row.kill(job, point, at_bytes)
    row.require_told(job)
    row.resume(job)
    row.require_converted()
    row.run("verify", job, "--quiet")
    require(row.states() == ["done"], f"the job is {row.states()}")
    return True


def killed_then_undone(row, point=None, at_bytes=0):
    job = row.prepare()
    row.kill(job, point, at_bytes)
    row.require_told(job)
    row.undo(job)
    require(row.states() == ["undone"], f"the job is {row.states()}")
    row.undo(job)  # once more does no harm
    return False


def killed_twice(row):
    job = row.prepare()
    row.kill(job, at_bytes=4 * MIB)
    row.kill(job, at_bytes=8 * MIB)
    row.resume(job)
    row.require_converted()
    return True


def killed_in_a_slow_copy(row):
    """What the killed process did is in the job's report, but for its last seconds."""
    job = row.prepare()
    row.kill(job, at_bytes=10 * MIB)
    (row.state / "jobs" / job / "rate-limit").write_text("0")
    row.resume(job)
    row.require_converted()
    report = json.loads((row.state / "jobs" / job / "kept" / "report.json").read_text())
    first, last = report["runs"]
    copied = [span["to"] - span["from"] for span in first["spans"] if span["stage"] == "copy"]
    require(first["ended"] == "" and sum(copied) > 2, f"the killed process copied for {copied} s")
    require(first["samples"] and first["samples"][-1]["done"] >= 4 * MIB, f"as far as {first['samples'][-1:]}")
    require(last["ended"] == "done", f"the last one is {last['ended']}")
    return True


def killed_while_undoing(row):
    """The undo itself is killed at some moment: the next one ends it."""
    job = row.prepare()
    row.kill(job, "made 4")
    for delay in (0.01, 0.03, 0.06, 0.1):
        process = row.start("undo", job)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    row.undo(job)
    return False


def stopped_by(row, number):
    """A signal in mid-copy: exit 6 within seconds, the next command tells what to do, resume ends it."""
    job = row.prepare()
    limit = row.state / "jobs" / job / "rate-limit"
    process = row.start("resume", job, "--progress", "none")
    row.wait_for_copy(job)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    require(process.returncode == 6, f"exit {process.returncode}: {err}")
    require("vmconvert resume" in err, f"it does not say how to go on: {err}")
    row.require_told(job, "interrupted")
    limit.write_text("0")
    row.resume(job)
    row.require_converted()
    return True
