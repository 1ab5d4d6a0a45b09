"""A headless Chromium, driven by the DevTools protocol over pipes: no package is needed."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT = 60  # seconds that any command may take


def find_browser():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A page in a headless browser, and what it logged.

    ``problems`` holds errors and warnings of the console, exceptions, and requests of the network.
    """

    def __init__(self, path):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        from_us, self.commands = os.pipe()
        self.answers, to_us = os.pipe()

        def connect():  # Chromium reads commands from 3 and answers on 4
            kept = [os.dup(from_us), os.dup(to_us)]
            os.dup2(kept[0], 3)
            os.dup2(kept[1], 4)

        self.process = subprocess.Popen(
            [
                path,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-pipe",
                f"--user-data-dir={self.folder.name}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=connect,
        )
        os.close(from_us)
        os.close(to_us)
        self.buffer, self.number, self.session, self.problems = b"", 0, None, []
        self.loaded = False

    def __enter__(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        self.folder.cleanup()

    def open(self, file):
        """Show a file, once it is loaded."""
        self.loaded = False
        self.call("Page.navigate", url=file.as_uri())
        while not self.loaded:
            self._read()

    def show_as(self, width, scheme="light", media=""):
        """Let the page be of a width in pixels, light or dark, and on the screen or printed."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, script):
        """Return the value of a JavaScript expression; a promise is awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script):
        """Wait until a JavaScript expression is true; pictures change in their own time."""
        end = time.monotonic() + TIMEOUT
        while not self.run(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.01)

    def press(self, key, number, text=""):
        """Press a key of a name and a number, which types a text or none."""
        for kind, typed in (("keyDown", {"text": text} if text else {}), ("keyUp", {})):
            codes = {"key": key, "code": key, "windowsVirtualKeyCode": number}
            self.call("Input.dispatchKeyEvent", type=kind, **codes, **typed)

    def call(self, method, **params):
        """Send a command, and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self):
        """Return the next message, after noting what it tells."""
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], TIMEOUT)
            part = os.read(self.answers, 1 << 16) if ready else b""
            assert part, "The browser has stopped."
            self.buffer += part
        first, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(first)
        method, params = message.get("method"), message.get("params", {})
        self.loaded |= method == "Page.loadEventFired"
        is_said = method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning")
        if is_said or method in ("Log.entryAdded", "Runtime.exceptionThrown"):
            self.problems.append(params)
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith(("file:", "data:", "about:")):
                self.problems.append(url)
        return message
