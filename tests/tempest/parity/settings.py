"""What a run is told by its environment, and where things lie. README.md lists the variables."""
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sandbox.settings import TOP_REGION, Settings, region

HERE = Path(__file__).resolve().parent.parent       # tests/tempest
SERVICES = ('compute', 'volume', 'network')
BASE_REGION = region(1)


@dataclass(frozen=True)
class Run:
    """One run of Tempest: which tests, where, how."""
    sandbox: Settings
    service: str                # one of SERVICES
    tests: str                  # only those whose name this regular expression is found in
    workers: int
    fresh: str                  # '' | failed | all: results of earlier runs that are not taken
    base: str                   # recorded | run: where the bare pod's results come from
    zone: str                   # availability zone of servers and volumes at the top; '': any

    @classmethod
    def read(cls, env=None):
        env = dict(os.environ if env is None else env)
        service = env.get('SERVICE') or 'network'
        if service not in SERVICES:
            raise SystemExit(f'SERVICE={service}: {", ".join(SERVICES)}')
        fresh = {'': '', '0': '', '1': 'all', 'all': 'all', 'failed': 'failed'}.get(env.get('FRESH', ''))
        if fresh is None:
            raise SystemExit(f'FRESH={env["FRESH"]}: 1 (all again) or failed (what did not pass)')
        base = env.get('BASE') or 'recorded'
        if base not in ('recorded', 'run'):
            raise SystemExit(f'BASE={base}: recorded or run')
        tests = env.get('TESTS', '')
        try:
            re.compile(tests)
        except re.error as error:
            raise SystemExit(f'TESTS={tests}: {error}') from None
        return cls(Settings.read(env), service, tests, int(env.get('WORKERS') or 3), fresh, base,
                   env.get('ZONE', 'az1'))

    @property
    def folder(self):
        """all that Tempest writes, inside the sandbox's state folder"""
        return self.sandbox.state / 'tempest'

    def region_folder(self, name):
        return self.folder / name

    def results(self, region_name):
        """results of this service's tests in that region, kept between runs"""
        return self.region_folder(region_name) / f'{self.service}.json'

    @property
    def table(self):
        return self.folder / f'parity-{self.service}.txt'

    @property
    def recorded_baseline(self):
        return HERE / 'baseline' / f'{self.service}.txt'

    @property
    def pattern(self):
        """which tests Tempest is asked for"""
        return rf'^tempest\.api\.{self.service}\.'

    def zone_in(self, region_name):
        """A volume and its server have to be in one pod: Tempest is told so as it is of a Nova whose zones share no
        storage, by one zone for both. A bare pod needs no such thing."""
        return self.zone if region_name == TOP_REGION else ''

    def chosen(self, name):
        return re.search(self.tests, name) is not None


QUICK = HERE / 'quick.txt'
__all__ = ['BASE_REGION', 'HERE', 'QUICK', 'Run', 'SERVICES', 'TOP_REGION']
