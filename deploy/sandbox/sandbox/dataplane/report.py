"""Checks, as lines: ok or FAIL, what, and the detail that lets one judge."""
import time


class Report:

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, good, detail=''):
        if good:
            self.passed += 1
        else:
            self.failed += 1
        print('ok  ' if good else 'FAIL', what, detail, flush=True)
        return good

    def within(self, what, condition, limit):
        """a check of how long something takes"""
        began = time.monotonic()
        while not (good := condition()) and time.monotonic() - began < limit:
            time.sleep(0.2)
        return self.check(what, good, f'after {time.monotonic() - began:.1f} s')

    def note(self, *words):
        print('    ', *words, flush=True)
