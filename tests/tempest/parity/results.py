"""Results of tests as plain data, and what is done with them: no processes here.

A result is a dict: `status` (pass, fail, skip or unrun), `seconds`, where it did not pass `reason`, and `unstable` where
it passed only when it was run again alone.
"""
import collections
import json
import re
from pathlib import Path

UNRUN = {'status': 'unrun', 'seconds': 0, 'reason': 'the run ended before it'}


def short(ident):
    """without the attributes: ...test_list[id-...,smoke] -> ...test_list"""
    return re.sub(r'\[[^\]]*\]$', '', ident)


def class_of(name):
    return name.rsplit('.', 1)[0]


def area(name):
    """tempest.api.compute.servers.test_x.Class.test -> compute.servers"""
    return '.'.join(name.split('.')[2:-3][:2])


def spread(decoded, tests):
    """One result for each of `tests`, from what a stream said. A class whose setUpClass failed or was skipped says so
    once, and its tests inherit it. Beside it the classes that could not clean up: {class: reason}."""
    results, classes, left = {}, {}, {}
    for item in decoded:
        result = {key: value for key, value in item.items() if key != 'id'}
        fixture = re.match(r'(setUpClass|tearDownClass) \((.*)\)$', item['id'])
        if not fixture:
            results[short(item['id'])] = result
        elif fixture[1] == 'setUpClass':
            classes[fixture[2]] = {**result, 'seconds': 0}
        elif result['status'] == 'fail':
            left[fixture[2]] = result['reason']
    return {test: results.get(test) or classes.get(class_of(test)) or UNRUN for test in tests}, left


def second_try(first, second):
    """Failures were run again, alone: what passes then is unstable, not lost."""
    merged = dict(first)
    for name, result in second.items():
        merged[name] = {**result, 'unstable': True} if result['status'] == 'pass' else result
    return merged


def certain(results):
    """What a second try would not change."""
    return {name: result for name, result in results.items() if result['status'] in ('pass', 'skip')}


def to_run(names, known, fresh):
    """Which of these tests to run, given what earlier runs found. A test that was cut off has no result."""
    keep = {'': ('pass', 'fail', 'skip'), 'failed': ('pass',), 'all': ()}[fresh]
    return [name for name in names if known.get(name, UNRUN)['status'] not in keep]


def counts(results):
    found = collections.Counter(result['status'] for result in results.values())
    return {status: found[status] for status in ('pass', 'fail', 'skip', 'unrun')}


def load(path):
    """{} where nothing ran yet"""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        return {}


def save(path, results):
    """All of it or nothing: a run may be cut off at any time."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix('.new')
    beside.write_text(json.dumps(results, indent=1, sort_keys=True) + '\n')
    beside.replace(path)
