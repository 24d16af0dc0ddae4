"""run.py COMMAND: Tempest against Tricircle over the sandbox's pods.

run         SERVICE's tests at the top, beside the bare pod's results: the parity table
quick       the tests of quick.txt at the top; fails if one does not pass
record      the bare pod's results of the last BASE=run, as the baseline of the repository
table       the parity table again, from what is known

Settings come from the environment: see tests/tempest/README.md.
"""
import sys

from sandbox.console import Failure, say
from sandbox.rest import RestError

from . import baseline, results, table
from .prepare import prepare
from .settings import BASE_REGION, QUICK, TOP_REGION, Run
from .tempest import Tempest


def run(told):
    if told.base == 'run':
        test_region(told, BASE_REGION)
    test_region(told, TOP_REGION)
    return show(told)


def test_region(told, region):
    """Run what has no result yet, and keep the results."""
    tempest, path = ready(told, region), told.results(region)
    known = {**results.load(path), **tempest.leftover(told.service)}
    results.save(path, known)
    tests = chosen(told, tempest)
    todo = {name: tests[name] for name in results.to_run(tests, known, told.fresh)}
    if todo:
        found, left = tempest.twice(told.service, todo, told.workers,
                                    lambda first: results.save(path, {**known, **first}))
        for name, why in sorted(left.items()):
            say(f'{name} left things behind: {why}')
        known.update(found)
    else:
        say(f'all {len(tests)} tests have a result in {region}; FRESH=1 runs them again')
    results.save(path, known)


def ready(told, region):
    """Tempest, configured for what this region has and says of itself"""
    folder = told.region_folder(region)
    folder.mkdir(parents=True, exist_ok=True)
    tempest, prepared = Tempest(told.sandbox, folder, region), prepare(told.sandbox, region)
    for what in prepared.missing:
        say(f'{region} does without {what}')
    tempest.configure(prepared, told.zone_in(region))
    return tempest


def chosen(told, tempest):
    tests = {name: ident for name, ident in tempest.listed(told.pattern).items() if told.chosen(name)}
    if not tests:
        raise Failure(f'TESTS={told.tests} is in no name of {told.service}')
    return tests


def show(told):
    base = results.load(told.results(BASE_REGION)) if told.base == 'run' else recorded(told)
    top = {name: result for name, result in results.load(told.results(TOP_REGION)).items() if told.chosen(name)}
    found = table.compare(base, top)
    text = table.render(told.service, found)
    told.table.write_text(text)
    print(f'\n{text}\n{told.table}; what failed, with the calls it made: {told.region_folder(TOP_REGION)}/failures')
    return 1 if found.lost or found.skipped else 0


def recorded(told):
    return baseline.parse(told.recorded_baseline.read_text())


def record(told):
    found = results.load(told.results(BASE_REGION))
    if not found:
        raise Failure(f'no results of {BASE_REGION}: run with BASE=run first')
    told.recorded_baseline.write_text(baseline.render(found))
    print(f'{len(found)} tests: {told.recorded_baseline}')
    return 0


def quick(told):
    """Every listed test has to pass: one that Tempest does not know, or skips, is no pass."""
    tempest = ready(told, TOP_REGION)
    wanted = quick_list(QUICK.read_text())
    known = tempest.listed(r'^tempest\.api\.')
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise Failure('Tempest does not know:\n  ' + '\n  '.join(unknown))
    found, _ = tempest.twice('quick', {name: known[name] for name in wanted}, told.workers)
    bad = {name: result for name, result in found.items() if result['status'] != 'pass'}
    print(''.join(table.section('did not pass', bad)), end='')
    for name in sorted(name for name, result in found.items() if result.get('unstable')):
        print(f'passed only alone: {name}')
    return 1 if bad else 0


def quick_list(text):
    """names of tests; blank lines and comments are for readers"""
    lines = (line.split('#')[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


COMMANDS = {'run': run, 'quick': quick, 'record': record, 'table': show}


def main(argv):
    if len(argv) != 1 or argv[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[argv[0]](Run.read())
    except (Failure, RestError) as error:
        print(error, file=sys.stderr)
        return 1
