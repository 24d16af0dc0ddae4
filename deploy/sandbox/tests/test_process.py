"""The supervisor: what it starts, restarts, leaves alone and stops.    python3 -m unittest discover deploy/sandbox/tests"""
import os
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sandbox.console import Failure, wait_until      # noqa: E402
from sandbox.inifile import write_ini                # noqa: E402
from sandbox.process import Service, Supervisor, session     # noqa: E402

PARENT = ['sh', '-c', 'sleep 1000 & wait']


class SupervisorTest(unittest.TestCase):

    def setUp(self):
        # processes outlive the object that started them: that is the point
        warnings.simplefilter('ignore', ResourceWarning)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.supervisor = Supervisor(self.folder)
        self.supervisor.prepare()
        self.addCleanup(lambda: self.supervisor.stop(self.supervisor.names(), grace=1))

    def service(self, **kw):
        return Service('parent', PARENT, **kw)

    def test_a_running_service_is_left_alone(self):
        self.assertTrue(self.supervisor.start(self.service()))
        pid = self.supervisor.pid('parent')
        self.assertFalse(Supervisor(self.folder).start(self.service()))
        self.assertEqual(self.supervisor.pid('parent'), pid)

    def test_another_command_environment_version_or_configuration_is_stale(self):
        config = write_ini(self.folder / 'etc' / 'a.conf', {'DEFAULT': {'debug': False}})
        service = self.service(env={'A': '1'}, watch=[config.parent], version='1')
        self.supervisor.start(service)
        self.assertEqual(self.supervisor.stale([service]), [])
        for change in ({'env': {'A': '2'}}, {'version': '2'}, {'command': ['sleep', '1']}):
            self.assertEqual(self.supervisor.stale([Service(**{**vars(service), **change})]), ['parent'], change)
        write_ini(config, {'DEFAULT': {'debug': True}})
        self.assertEqual(self.supervisor.stale([service]), ['parent'])
        pid = self.supervisor.pid('parent')
        self.assertTrue(self.supervisor.start(service))
        self.assertNotEqual(self.supervisor.pid('parent'), pid)

    def test_stopping_reaches_the_children(self):
        self.supervisor.start(self.service())
        pid = self.supervisor.pid('parent')
        wait_until(lambda: len(session(pid)) == 2, 'the child', 10)
        self.assertEqual(self.supervisor.stop(['parent']), ['parent'])
        wait_until(lambda: not session(pid), 'all gone', 1)
        self.assertEqual(self.supervisor.names(), [])

    def test_one_that_ignores_the_signal_is_killed(self):
        self.supervisor.start(Service('deaf', ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 1000; done']))
        pid = self.supervisor.pid('deaf')
        wait_until(lambda: 'ready' in self.supervisor.log('deaf').read_text(), 'the trap', 10)
        self.supervisor.stop(['deaf'], grace=0.2)
        wait_until(lambda: not session(pid), 'killed', 10)

    def test_a_killed_one_had_no_chance_and_is_started_again(self):
        service = Service('deaf', ['sh', '-c', 'trap "touch told" TERM EXIT; echo ready; sleep 1000 & wait'])
        self.supervisor.start(service)
        pid = self.supervisor.pid('deaf')
        wait_until(lambda: 'ready' in self.supervisor.log('deaf').read_text(), 'the trap', 10)
        self.assertEqual(self.supervisor.kill(['deaf', 'never-started']), ['deaf'])
        self.assertEqual(session(pid), [])
        self.assertFalse((self.folder / 'told').exists())
        self.assertEqual([row[:2] for row in self.supervisor.status()], [('deaf', None)])
        self.assertTrue(self.supervisor.start(service))

    def test_a_pid_that_is_somebody_elses_by_now_is_not_touched(self):
        other = subprocess.Popen(['sleep', '1000'])
        self.addCleanup(lambda: (other.kill(), other.wait()))
        (self.folder / 'run' / 'parent.pid').write_text(f'{other.pid} 1 0123456789abcdef\n')
        self.assertIsNone(self.supervisor.pid('parent'))
        self.assertEqual(self.supervisor.stop(['parent']), [])
        self.assertIsNone(other.poll())

    def test_waiting_for_one_that_died_fails_at_once_and_names_its_log(self):
        self.supervisor.start(Service('short', ['false']))
        wait_until(lambda: not self.supervisor.pid('short'), 'its end', 10)
        with self.assertRaisesRegex(Failure, 'short died: see .*short.log'):
            self.supervisor.wait_answer(lambda: False, 'short', 'anything', limit=60)

    def test_the_callers_environment_does_not_get_in(self):
        os.environ['OS_REGION_NAME'] = 'elsewhere'
        self.addCleanup(os.environ.pop, 'OS_REGION_NAME')
        output = self.supervisor.run(['env']).stdout.decode()
        self.assertNotIn('OS_REGION_NAME', output)


class IniFileTest(unittest.TestCase):

    def test_layers_merge_and_none_leaves_out(self):
        with tempfile.TemporaryDirectory() as folder:
            path = write_ini(Path(folder) / 'x' / 'a.conf', {'DEFAULT': {'a': 1, 'b': True}, 'one': {'x': 'y'}},
                             {'DEFAULT': {'a': None, 'c': 'd'}, 'empty': {'e': None}})
            self.assertEqual(path.read_text(), '[DEFAULT]\nb = true\nc = d\n\n[one]\nx = y\n')


if __name__ == '__main__':
    unittest.main()
