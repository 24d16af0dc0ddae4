"""What a sandbox is told, and what it remembers."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sandbox.settings import Settings       # noqa: E402


class SettingsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = folder.name

    def read(self, **env):
        return Settings.read({'STATE': self.state, **env})

    def test_a_mode_stands_for_its_settings(self):
        for mode, mech, l3 in (('fake', 'podfake', False), ('dataplane', 'openvswitch', True)):
            settings = self.read(PODS_MODE=mode)
            self.assertEqual((settings.mech, settings.l3), (mech, l3))

    def test_what_is_named_singly_goes_before_its_mode(self):
        self.assertFalse(self.read(PODS_MODE='dataplane', L3='0').l3)

    def test_an_unknown_mode_is_refused(self):
        with self.assertRaises(SystemExit):
            self.read(PODS_MODE='real')

    def test_what_was_asked_for_last_holds(self):
        self.read(PODS_MODE='dataplane', PODS='3').remember()
        settings = self.read()
        self.assertEqual((settings.mech, settings.l3, settings.pods), ('openvswitch', True, 3))

    def test_another_mode_wires_the_pods_otherwise_and_more_pods_do_not(self):
        self.assertFalse(self.read(PODS_MODE='dataplane').rewired(), 'nothing was there before')
        self.read(PODS_MODE='dataplane').remember()
        self.assertFalse(self.read().rewired())
        self.assertFalse(self.read(PODS='3', DHCP='0').rewired())
        self.assertTrue(self.read(PODS_MODE='fake').rewired())


if __name__ == '__main__':
    unittest.main()
