"""Headless Chromium over --remote-debugging-pipe: one page at a time, its words in JSON between zero bytes."""
import collections
import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import time


class BrowserError(Exception):
    pass


class Browser:
    """Starts Chromium without a way to any other machine; ends it, and all that it started."""

    def __init__(self, limit=60):
        self.limit = limit
        self.events = collections.deque()
        self.last = 0
        self.unread = b""
        self.session = None
        # In the shell's way of speaking: it reads from 3 and writes to 4.
        theirs_in, self.write_end = os.pipe()
        self.read_end, theirs_out = os.pipe()
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs_in, theirs_out)]
        os.close(theirs_in)
        os.close(theirs_out)

        def place():
            os.dup2(theirs[0], 3)
            os.dup2(theirs[1], 4)

        self.folder = tempfile.TemporaryDirectory(prefix="vmconvert-browser", ignore_cleanup_errors=True)
        self.log = open(os.path.join(self.folder.name, "log"), "wb")
        words = ["chromium", "--headless", "--remote-debugging-pipe", f"--user-data-dir={self.folder.name}/profile",
                 "--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking", "--disable-gpu",
                 "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", "--force-color-profile=srgb"]
        if os.getuid() == 0:
            words.append("--no-sandbox")  # it refuses to be root otherwise
        try:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [*words, "about:blank"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                preexec_fn=place, pass_fds=(3, 4), start_new_session=True,
                env={**os.environ, "HOME": self.folder.name, "LC_ALL": "C.UTF-8"})
        except FileNotFoundError as error:
            raise BrowserError("chromium is not here: scripts/install-packages test") from error
        finally:
            for fd in theirs:
                os.close(fd)

    def __enter__(self):
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
                self.call(domain + ".enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        os.close(self.write_end)  # it ends when nobody speaks to it any more
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.read_end)
        self.log.close()
        self.folder.cleanup()

    def _message(self, deadline):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.read_end], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self.read_end, 1 << 20) if ready else b""
            if not more:
                with open(self.log.name, errors="replace", encoding="utf-8") as log:
                    raise BrowserError(f"the browser {'ended' if ready else 'does not answer'}: {log.read()[-2000:]}")
            self.unread += more
        text, self.unread = self.unread.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        unsent = json.dumps(message).encode() + b"\0"
        while unsent:
            unsent = unsent[os.write(self.write_end, unsent):]
        deadline = time.monotonic() + self.limit
        while True:
            answer = self._message(deadline)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        deadline = time.monotonic() + self.limit
        while True:
            while self.events:
                event = self.events.popleft()
                if event.get("method") == method:
                    return event["params"]
                self.seen.append(event)
            self.events.append(self._message(deadline))

    def open(self, path):
        """Loads a file; from here on `seen` has all events of it."""
        self.events.clear()
        self.seen = []
        self.call("Page.navigate", url="file://" + str(path))
        self.wait_for("Page.loadEventFired")

    def happened(self):
        """All events since the page was opened, [(method, params)]."""
        self.run("0")  # what it had to say before this answer is here
        self.seen.extend(self.events)
        self.events.clear()
        return [(event.get("method"), event.get("params")) for event in self.seen]

    def run(self, script):
        """The value of an expression in the page. The page's own policy does not bind it."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def look(self, width, height=900, dark=False, paper=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media="print" if paper else "screen",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                            {"name": "prefers-reduced-motion", "value": "reduce"}])

    def key(self, name, code):
        text = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      **(text if kind == "keyDown" else {}))
