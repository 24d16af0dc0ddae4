"""The parity table."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from parity import table      # noqa: E402


def name(method, area='network'):
    return f'tempest.api.{area}.test_a.A.{method}'


PASS, FAIL, SKIP = {'status': 'pass'}, {'status': 'fail', 'reason': 'Conflict'}, {'status': 'skip', 'reason': 'no tag'}
BASE = {name('both'): PASS, name('lost'): PASS, name('lost2'): PASS, name('skipped'): PASS,
        name('shaky'): {**PASS, 'unstable': True}, name('gained'): FAIL, name('never'): SKIP,
        name('elsewhere'): PASS}
TOP = {name('both'): PASS, name('lost'): FAIL, name('lost2'): FAIL, name('skipped'): SKIP, name('shaky'): FAIL,
       name('gained'): PASS, name('never'): SKIP, name('new'): PASS}


class TableTest(unittest.TestCase):

    def setUp(self):
        self.found = table.compare(BASE, TOP)

    def test_each_test_has_its_place(self):
        self.assertEqual(list(self.found.lost), [name('lost'), name('lost2')])
        self.assertEqual(list(self.found.skipped), [name('skipped')])
        self.assertEqual((self.found.unstable, self.found.gained, self.found.unknown),
                         ([name('shaky')], [name('gained')], [name('new')]))

    def test_what_was_not_wanted_at_the_top_does_not_count(self):
        self.assertEqual(self.found.rows['network']['tests'], 7)

    def test_the_text_names_each_loss_under_its_fault(self):
        text = table.render('network', self.found)
        self.assertIn(f'  Conflict\n      {name("lost")}\n      {name("lost2")}\n', text)
        self.assertIn('network: 1 of 5 that pass on a bare pod pass at the top (20.0 %)', text)

    def test_nothing_lost_says_nothing_of_losses(self):
        text = table.render('network', table.compare(BASE, {name('both'): PASS}))
        self.assertNotIn('lost:', text)
        self.assertIn('(100.0 %)', text)


if __name__ == '__main__':
    unittest.main()
