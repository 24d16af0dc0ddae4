"""Starts and stops processes, and only its own.

A process is known by a pid file that holds its pid, its start time (a pid alone may be somebody else's by now) and a
fingerprint of its command, environment and configuration files. Starting is idempotent: what runs with the same
fingerprint is left alone, what runs with another is restarted. Each process leads a session of its own, so that
stopping reaches its children. There is no daemon: a Supervisor is a folder (`run/`, `log/`) and the functions on it;
deploy/demo runs Tricircle's services with the same class in a folder of its own.
"""
import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .console import Failure, wait_until

SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


@dataclass
class Service:
    """One process to be kept running."""
    name: str
    command: list
    env: dict = field(default_factory=dict)
    watch: list = field(default_factory=list)   # files and folders of *.conf, *.ini: a change restarts it
    port: int = None                            # it listens there: wait until the port is free before starting
    version: str = ''                           # of the program: another one restarts it
    pod: int = None                             # the pod it belongs to
    on_host: bool = False                       # it runs on the pod's host (L3=1), not beside the others
    late: bool = False                          # start when the pod's Open vSwitch agent has reported


class Supervisor:

    def __init__(self, state, host='127.0.0.1'):
        self.state = Path(state)
        self.host = host
        self.started = set()                    # names started by this very process

    # ------------------------------------------------------------ folder
    def prepare(self):
        for name in ('run', 'log'):
            (self.state / name).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def exclusive(self):
        """Two `up` at once take turns."""
        self.prepare()
        with open(self.state / 'run' / 'lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def log(self, name):
        return self.state / 'log' / f'{name}.log'

    def names(self):
        return sorted(path.stem for path in (self.state / 'run').glob('*.pid'))

    def _pid_file(self, name):
        return self.state / 'run' / f'{name}.pid'

    def _entry(self, name):
        try:
            pid, start, fingerprint = self._pid_file(name).read_text().split()
        except (OSError, ValueError):
            return None
        return (int(pid), fingerprint) if _start_time(pid) == start else None

    def pid(self, name):
        """Its pid, or None if the process started under this name no longer runs."""
        entry = self._entry(name)
        return entry and entry[0]

    # ------------------------------------------------------------ one command
    def run(self, command, log=None, env=None, check=True, **kw):
        """Run to the end; output to a log file, or captured and given back."""
        environment = clean_environment(env)
        if log:
            with open(self.log(log), 'ab') as out:
                done = subprocess.run(command, stdout=out, stderr=out, env=environment, **kw)
        else:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, **kw)
        if check and done.returncode:
            where = f'see {self.log(log)}' if log else (done.stdout + done.stderr).decode(errors='replace')
            raise Failure(f'exit code {done.returncode}: {" ".join(map(str, command))}\n{where}')
        return done

    # ------------------------------------------------------------ services
    def stale(self, services):
        """Names of those that run with another command or configuration than wanted."""
        running = {service.name: self._entry(service.name) for service in services}
        return [s.name for s in services if running[s.name] and running[s.name][1] != fingerprint(s)]

    def start(self, service):
        """True if it was started now, False if it ran already."""
        wanted = fingerprint(service)
        entry = self._entry(service.name)
        if entry and entry[1] == wanted:
            return False
        if entry:
            self.stop([service.name])
        if service.port:
            self.wait_free(service.port)
        with open(self.log(service.name), 'ab') as out:
            process = subprocess.Popen(service.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       env=clean_environment(service.env), start_new_session=True, cwd=self.state)
        self._pid_file(service.name).write_text(f'{process.pid} {_start_time(process.pid)} {wanted}\n')
        self.started.add(service.name)
        return True

    def stop(self, names, grace=8):
        """TERM, `grace` seconds, KILL; all of them at once. The names of those that ran."""
        running = {name: pid for name in names if (pid := self.pid(name))}
        for pid in running.values():
            _signal(pid, signal.SIGTERM)
        left = self._leave(running.values(), grace, signal.SIGTERM)
        for pid in left:
            _signal(pid, signal.SIGKILL)
        self._leave(running.values(), 5, signal.SIGKILL)
        for name in names:
            self._pid_file(name).unlink(missing_ok=True)
        return list(running)

    def kill(self, names):
        """KILL at once, with all children: nobody gets to say a last word. The names of those that ran. The pid files
        stay: `status` tells that they are dead, and `start` starts them again."""
        running = {name: pid for name in names if (pid := self.pid(name))}
        for leader in running.values():
            for pid in session(leader):
                _signal(pid, signal.SIGKILL)
        self._leave(running.values(), 5, signal.SIGKILL)
        return list(running)

    @staticmethod
    def _leave(leaders, seconds, number):
        """Wait for the sessions to end; children whose leader is gone get the signal themselves. Who is left."""
        end = time.monotonic() + seconds
        told = set()
        while left := {pid: leader for leader in leaders for pid in session(leader)}:
            if time.monotonic() > end:
                break
            for pid, leader in left.items():
                if leader not in left and pid not in told:
                    _signal(pid, number)
                    told.add(pid)
            time.sleep(0.1)
        return left

    def dead(self, name):
        """None while it runs; else what to tell the user"""
        if self.pid(name):
            return None
        try:
            last = self.log(name).read_text(errors='replace').splitlines()[-5:]
        except OSError:
            last = []
        return '\n  '.join([f'{name} died: see {self.log(name)}', *last])

    # ------------------------------------------------------------ waiting
    def wait_port(self, port, name, limit=120):
        """until it listens; Failure at once if the process is gone"""
        def listens():
            try:
                socket.create_connection((self.host, port), 1).close()
                return True
            except OSError:
                self._alive_or_fail(name)
                return False
        wait_until(listens, f'{name}: port {port}', limit)

    def wait_answer(self, ask, name, what, limit=240):
        """until `ask` answers true; Failure at once if the process is gone"""
        def answers():
            answer = ask()
            if not answer:
                self._alive_or_fail(name)
            return answer
        return wait_until(answers, f'{name}: {what}', limit, pause=0.2)

    def wait_free(self, port, limit=15):
        """A stopped uWSGI may hold its socket for a moment longer than its pid."""
        def free():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.host, port))
                    return True
                except OSError:
                    return False
        wait_until(free, f'port {port} is taken by another process', limit)

    def _alive_or_fail(self, name):
        reason = self.dead(name)
        if reason:
            raise Failure(reason)

    # ------------------------------------------------------------ looking
    def status(self):
        """(name, pid or None, processes, RSS MiB, PSS MiB) of each"""
        rows = []
        for name in self.names():
            pid = self.pid(name)
            members = session(pid) if pid else []
            rows.append((name, pid, len(members), *_memory(members)))
        return rows


def fingerprint(service):
    """of everything that would have to be the same for a running process to count as this service"""
    digest = hashlib.sha256(json.dumps([list(map(str, service.command)), service.env, service.version],
                                       sort_keys=True).encode())
    for place in map(Path, service.watch):
        for path in sorted(place.iterdir()) if place.is_dir() else [place]:
            if path.suffix in ('.conf', '.ini', '.config', '.json') and path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def clean_environment(extra=None):
    """Not the caller's: an OS_REGION_NAME or PYTHONPATH of a shell would change what runs."""
    return {'PATH': SYSTEM_PATH, 'HOME': os.environ.get('HOME', '/root'), 'LANG': 'C.UTF-8', 'no_proxy': '*',
            'NO_PROXY': '*', **(extra or {})}


def session(leader):
    """pids of the session, without the dead (but a dead leader whose threads still run counts)"""
    pids = []
    for entry in os.listdir('/proc'):
        if not entry.isdigit():
            continue
        try:
            state, _, _, sid = _stat(entry)[:4]
            if int(sid) == leader and (state != 'Z' or len(os.listdir(f'/proc/{entry}/task')) > 1):
                pids.append(int(entry))
        except OSError:
            pass
    return pids


def _stat(pid):
    """fields of /proc/PID/stat after the command's name: state, ppid, pgrp, session, ..."""
    with open(f'/proc/{pid}/stat') as f:
        return f.read().rsplit(')', 1)[1].split()


def _start_time(pid):
    try:
        fields = _stat(pid)
    except OSError:
        return None
    return None if fields[0] == 'Z' else fields[19]


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass


def _memory(pids):
    total = {'Rss:': 0, 'Pss:': 0}
    for pid in pids:
        try:
            with open(f'/proc/{pid}/smaps_rollup') as f:
                for line in f:
                    word, *rest = line.split()
                    if word in total:
                        total[word] += int(rest[0])
        except OSError:
            pass
    return total['Rss:'] // 1024, total['Pss:'] // 1024
