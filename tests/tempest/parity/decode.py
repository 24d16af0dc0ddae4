"""decode.py STREAM DETAILS: a subunit stream as one JSON object a line; run by the Python that has Tempest.

A failed test's traceback and log, with the calls it made, go to a file of its name in DETAILS.
"""
import json
import re
import sys
from pathlib import Path

import subunit
import testtools

STATUS = {'success': 'pass', 'xfail': 'pass', 'skip': 'skip', 'inprogress': 'unrun'}


def reason(details):
    """why it was skipped, or the last error with its message"""
    if 'reason' in details:
        return details['reason'].as_text().strip()
    for key in sorted(details):
        if key.startswith('traceback'):
            lines = details[key].as_text().splitlines()
            last = max((i for i, line in enumerate(lines) if line.startswith('  File')), default=0)
            said = [line for line in lines[last:] if line and line[0] != ' ']
            return ' '.join(said[:3])[:600] or 'no message'
    return 'no message'


def write_details(folder, ident, details):
    name = re.sub(r'\[[^]]*\]$', '', ident).replace('/', '_')[:200]
    (folder / f'{name}.log').write_text('\n'.join(f'==== {key}\n{value.as_text()}' for key, value in details.items()))


def main(stream, details_folder):
    folder = Path(details_folder)
    folder.mkdir(parents=True, exist_ok=True)

    def one(test):
        if test['status'] == 'exists':      # a worker's list of its tests
            return
        start, end = test['timestamps'][:2]
        status = STATUS.get(test['status'], 'fail')
        result = {'id': test['id'], 'status': status,
                  'seconds': round((end - start).total_seconds(), 2) if start and end else 0}
        if status == 'fail':
            write_details(folder, test['id'], test['details'])
        if status != 'pass':
            result['reason'] = 'cut off while it ran' if status == 'unrun' else reason(test['details'])
        print(json.dumps(result))

    result = testtools.StreamToDict(one)
    result.startTestRun()
    with open(stream, 'rb') as source:
        subunit.ByteStreamToStreamResult(source, 'stdout').run(result)
    result.stopTestRun()


if __name__ == '__main__':
    main(*sys.argv[1:])
