"""What a run is told, and the configuration and lists that follow."""
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'deploy' / 'sandbox')]

from parity import baseline                   # noqa: E402
from parity.cli import quick_list             # noqa: E402
from parity.config import tempest_conf        # noqa: E402
from parity.prepare import Prepared           # noqa: E402
from parity.settings import QUICK, Run        # noqa: E402


class RunTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = folder.name

    def read(self, **env):
        return Run.read({'STATE': self.state, **env})

    def test_the_defaults_take_what_is_known(self):
        told = self.read()
        self.assertEqual((told.service, told.fresh, told.base), ('network', '', 'recorded'))
        self.assertTrue(told.chosen('tempest.api.network.test_networks.A.test_1'))

    def test_nonsense_is_refused(self):
        for env in ({'SERVICE': 'image'}, {'FRESH': 'maybe'}, {'BASE': 'none'}, {'TESTS': '('}):
            with self.assertRaises(SystemExit, msg=env):
                self.read(**env)

    def test_tests_are_chosen_by_a_part_of_their_name(self):
        told = self.read(TESTS='routers|ports')
        self.assertTrue(told.chosen('tempest.api.network.test_routers.A.test_1'))
        self.assertFalse(told.chosen('tempest.api.network.test_networks.A.test_1'))


    def test_only_the_top_needs_a_zone_for_volumes_and_their_servers(self):
        self.assertEqual([self.read().zone_in(region) for region in ('Pod1', 'RegionOne')], ['', 'az1'])
        self.assertEqual(self.read(ZONE='').zone_in('RegionOne'), '')


class ConfigTest(unittest.TestCase):

    def test_it_says_what_the_region_has(self):
        with tempfile.TemporaryDirectory() as state:
            sandbox = Run.read({'STATE': state}).sandbox
        prepared = Prepared()
        prepared.public, prepared.aliases, prepared.backup = 'an-id', ['router', 'security-group'], True
        conf = tempest_conf(sandbox, Path('/there'), 'RegionOne', prepared, 'az1')
        self.assertEqual(conf['network']['public_network_id'], 'an-id')
        self.assertEqual(conf['network-feature-enabled']['api_extensions'], 'router,security-group')
        self.assertFalse(conf['network-feature-enabled']['port_security'])
        self.assertTrue(conf['volume-feature-enabled']['backup'])
        self.assertEqual(conf['identity']['region'], 'RegionOne')
        self.assertEqual(conf['compute']['compute_volume_common_az'], 'az1')


class QuickTest(unittest.TestCase):

    def test_comments_and_blank_lines_are_for_readers(self):
        self.assertEqual(quick_list('# why\n\na.b.C.test_1   # because\n'), ['a.b.C.test_1'])

    def test_the_list_has_what_passes_on_a_bare_pod_of_every_service(self):
        listed = quick_list(QUICK.read_text())
        self.assertEqual(len(listed), len(set(listed)))
        for service in ('compute', 'network', 'volume'):
            known = baseline.parse((HERE / 'baseline' / f'{service}.txt').read_text())
            ours = [name for name in listed if name.startswith(f'tempest.api.{service}.')]
            self.assertTrue(ours, service)
            for name in ours:
                self.assertEqual(known.get(name, {}).get('status'), 'pass', name)


if __name__ == '__main__':
    unittest.main()
