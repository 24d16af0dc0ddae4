"""The bare pod's results in a form to keep in the repository: a line for each test, under its class.

    tempest.api.network.test_networks.NetworksTest
      pass test_create_network
      skip test_x: why

`unstable` stands for what passed only when it was run again alone: its loss at the top says nothing.
"""
import itertools

from .results import class_of

HEAD = '# Tempest against a bare pod of the sandbox. Written by `tests/tempest/run.py record`.\n'


def render(results):
    lines = [HEAD]
    for group, names in itertools.groupby(sorted(results), key=class_of):
        lines.append(f'{group}\n')
        lines.extend(f'  {_line(name.rsplit(".", 1)[1], results[name])}\n' for name in names)
    return ''.join(lines)


def _line(method, result):
    status = 'unstable' if result.get('unstable') else result['status']
    reason = ' '.join(result.get('reason', '').split())
    return f'{status} {method}' + (f': {reason}' if status in ('fail', 'skip') and reason else '')


def parse(text):
    """what `render` wrote, as results without times"""
    results, group = {}, ''
    for line in text.splitlines():
        if not line.startswith('  '):
            group = line
            continue
        status, rest = line.strip().split(' ', 1)
        method, _, reason = rest.partition(': ')
        result = {'status': 'pass', 'unstable': True} if status == 'unstable' else {'status': status}
        results[f'{group}.{method}'] = {**result, 'reason': reason} if reason else result
    return results
