"""Tempest as a process: which tests there are, and running some of them in one region.

Each run writes a subunit stream. A run that is cut off leaves it behind, and the next one takes from it what was done.
"""
import json
import os
import subprocess
import time
from pathlib import Path

from sandbox.console import Failure, say
from sandbox.inifile import write_ini
from sandbox.process import SYSTEM_PATH, clean_environment

from . import results
from .config import tempest_conf

DECODE = Path(__file__).resolve().parent / 'decode.py'
TEST_TIMEOUT = '400'


class Tempest:
    """Tempest's configuration, records and results for one region."""

    def __init__(self, settings, folder, region):
        self.settings, self.folder, self.region = settings, folder, region
        self.config = folder / 'tempest.conf'

    def configure(self, prepared, zone):
        write_ini(self.config, tempest_conf(self.settings, self.folder, self.region, prepared, zone))

    def _run(self, label, *arguments, out=subprocess.PIPE):
        """Records of stestr stand in the folder it runs in: one for each label, so that two may run at a time."""
        environment = clean_environment({'PATH': f'{self.settings.venv}/bin:{SYSTEM_PATH}',
                                         'OS_TEST_TIMEOUT': TEST_TIMEOUT, 'PYTHONWARNINGS': 'ignore'})
        place = self.folder / 'stestr' / label
        if not place.exists():
            place.mkdir(parents=True)
            subprocess.run([self.settings.bin('stestr'), 'init'], cwd=place, env=environment, check=True)
        return subprocess.run([self.settings.bin('tempest'), 'run', '--config-file', self.config, *arguments],
                              cwd=place, env=environment, stdout=out, stderr=subprocess.PIPE, text=True)

    def listed(self, pattern):
        """{name: id} of all tests that match; the id has the attributes that --load-list wants"""
        done = self._run('list', '--regex', pattern, '--list-tests')
        tests = [line.strip() for line in done.stdout.splitlines() if line.startswith('tempest.')]
        if not tests:
            raise Failure(f'Tempest knows no test {pattern}\n{done.stderr[-2000:]}')
        return {results.short(test): test for test in tests}

    def run(self, label, tests, workers):
        """(results, classes that left things behind) of these tests, which are {name: id}"""
        chosen, stream = self.folder / f'{label}.tests', self._stream(label)
        chosen.write_text(''.join(f'{ident}\n' for ident in tests.values()))
        say(f'{len(tests)} tests in {self.region}, {workers} at a time')
        began = time.monotonic()
        with open(stream, 'wb') as out:
            done = self._run(label, '--load-list', chosen, '--concurrency', str(workers), '--subunit', out=out)
        found, left = results.spread(self._decode(stream), tests)
        if all(result['status'] == 'unrun' for result in found.values()):
            raise Failure(f'Tempest ran nothing:\n{done.stderr[-3000:]}')
        stream.unlink()
        tally = results.counts(found)
        say(f'{tally["pass"]} passed, {tally["fail"]} failed, {tally["skip"]} skipped in '
            f'{time.monotonic() - began:.0f} s')
        return found, left

    def twice(self, label, tests, workers, keep=lambda results: None):
        """Run them, and what failed once more alone; `keep` is told what is certain in between."""
        found, left = self.run(label, tests, workers)
        keep(results.certain(found))
        failed = {name: tests[name] for name, result in found.items() if result['status'] == 'fail'}
        if failed:
            again, left_again = self.run(f'{label}-alone', failed, 1)
            found = results.second_try(found, again)
            again_classes = {results.class_of(name) for name in failed}
            left = {**{name: why for name, why in left.items() if name not in again_classes}, **left_again}
        return found, left

    def leftover(self, label):
        """what a run that was cut off had found out for certain; its stream stays until the next run"""
        stream = self._stream(label)
        if not stream.exists():
            return {}
        items = [item for item in self._decode(stream) if item['id'].startswith('tempest.')]
        return results.certain({results.short(item['id']): {key: value for key, value in item.items() if key != 'id'}
                                for item in items})

    def _stream(self, label):
        return self.folder / f'{label}.subunit'

    def _decode(self, stream):
        done = subprocess.run([self.settings.bin('python'), DECODE, stream, self.folder / 'failures'],
                              stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, 'PYTHONPATH': ''})
        return [json.loads(line) for line in done.stdout.splitlines()]
