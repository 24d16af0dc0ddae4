"""What the sandbox tells the person in front of it, and how it gives up."""
import threading
import time

_started = time.monotonic()
_lock = threading.Lock()


class Failure(Exception):
    """The sandbox cannot go on; the text is for the user and names the log to read."""


def elapsed():
    return time.monotonic() - _started


def say(*words):
    with _lock:
        print(f'[{elapsed():6.1f}]', *words, flush=True)


def wait_until(condition, what, limit, pause=0.1):
    """Ask `condition` until its answer is true, and give that answer back; Failure after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure(f'{what}: waited {limit} s in vain')
        time.sleep(pause)
