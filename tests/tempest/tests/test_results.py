"""What becomes of results: inherited, run again, kept.     python3 -m unittest discover tests/tempest/tests"""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from parity import baseline, results      # noqa: E402

A, B, C = 'tempest.api.network.test_a.A.test_1', 'tempest.api.network.test_a.A.test_2', 'tempest.api.x.test_c.C.test_1'
PASS, FAIL = {'status': 'pass', 'seconds': 1}, {'status': 'fail', 'seconds': 2, 'reason': 'Conflict: no'}
SKIP = {'status': 'skip', 'seconds': 0, 'reason': 'no agent'}


class ResultsTest(unittest.TestCase):

    def test_names_lose_their_attributes(self):
        self.assertEqual(results.short(A + '[id-1,smoke]'), A)
        self.assertEqual(results.short(A), A)

    def test_tests_inherit_the_fault_of_their_class(self):
        found, left = results.spread([
            {'id': 'setUpClass (tempest.api.network.test_a.A)', **FAIL},
            {'id': C + '[id-2]', **PASS},
            {'id': 'tearDownClass (tempest.api.x.test_c.C)', **FAIL}], [A, B, C])
        self.assertEqual(found, {A: {**FAIL, 'seconds': 0}, B: {**FAIL, 'seconds': 0}, C: PASS})
        self.assertEqual(left, {'tempest.api.x.test_c.C': 'Conflict: no'})

    def test_what_the_stream_does_not_mention_did_not_run(self):
        self.assertEqual(results.spread([], [A])[0][A]['status'], 'unrun')

    def test_what_passes_alone_is_unstable_and_what_fails_again_has_the_last_fault(self):
        merged = results.second_try({A: FAIL, B: FAIL, C: PASS}, {A: PASS, B: {**FAIL, 'reason': 'again'}})
        self.assertEqual(merged, {A: {**PASS, 'unstable': True}, B: {**FAIL, 'reason': 'again'}, C: PASS})

    def test_a_first_failure_is_not_certain(self):
        self.assertEqual(results.certain({A: PASS, B: FAIL, C: SKIP}), {A: PASS, C: SKIP})

    def test_what_has_a_result_is_not_run_again_unless_it_is_to_be_fresh(self):
        known = {A: PASS, B: FAIL, C: {'status': 'unrun', 'seconds': 0}}
        new = 'tempest.api.y.test_d.D.test_1'
        for fresh, wanted in (('', [C, new]), ('failed', [B, C, new]), ('all', [A, B, C, new])):
            self.assertEqual(results.to_run([A, B, C, new], known, fresh), wanted, fresh)

    def test_results_are_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'deep' / 'network.json'
            self.assertEqual(results.load(path), {})
            results.save(path, {A: FAIL})
            self.assertEqual(results.load(path), {A: FAIL})
            self.assertEqual([entry.name for entry in path.parent.iterdir()], ['network.json'])


class BaselineTest(unittest.TestCase):

    def test_it_reads_what_it_writes(self):
        known = {A: PASS, B: {**PASS, 'unstable': True}, C: SKIP,
                 'tempest.api.x.test_c.C.test_2': {**FAIL, 'reason': 'Fault: a: b\n  c'}}
        self.assertEqual(baseline.parse(baseline.render(known)), {
            A: {'status': 'pass'}, B: {'status': 'pass', 'unstable': True},
            C: {'status': 'skip', 'reason': 'no agent'},
            'tempest.api.x.test_c.C.test_2': {'status': 'fail', 'reason': 'Fault: a: b c'}})

    def test_what_was_recorded_can_be_read(self):
        for service in ('compute', 'network', 'volume'):
            text = (Path(__file__).resolve().parent.parent / 'baseline' / f'{service}.txt').read_text()
            known = baseline.parse(text)
            self.assertGreater(results.counts(known)['pass'], 200, service)
            self.assertEqual(baseline.render(known), text)


if __name__ == '__main__':
    unittest.main()
