"""The parity table: what the bare pod passes, and what becomes of it at the top."""
import collections
from dataclasses import dataclass, field

from .results import UNRUN, area

COLUMNS = ('tests', 'base pass', 'both', 'lost', 'unstable', 'gained', 'base fail', 'base skip')


@dataclass
class Parity:
    """Two sets of results beside each other."""
    rows: dict = field(default_factory=dict)        # area -> Counter over COLUMNS
    lost: dict = field(default_factory=dict)        # test -> its result at the top
    skipped: dict = field(default_factory=dict)     # of those, what was skipped at the top
    unstable: list = field(default_factory=list)    # lost, and unstable on the bare pod: does not count
    gained: list = field(default_factory=list)
    unknown: list = field(default_factory=list)     # ran at the top, and the base knows nothing of them


def compare(base, top):
    """Judge the tests that were wanted at the top."""
    found = Parity()
    for name, result in sorted(top.items()):
        before = base.get(name)
        if before is None:
            found.unknown.append(name)
            continue
        row = found.rows.setdefault(area(name), collections.Counter())
        row['tests'] += 1
        row[f'base {before["status"]}'] += 1
        passed = result['status'] == 'pass'
        if before['status'] != 'pass':
            if passed:
                row['gained'] += 1
                found.gained.append(name)
        elif passed:
            row['both'] += 1
        elif before.get('unstable'):
            row['unstable'] += 1
            found.unstable.append(name)
        else:
            row['lost'] += 1
            (found.skipped if result['status'] == 'skip' else found.lost)[name] = result
    return found


def render(service, found):
    """the table, and under it each loss by name with its fault"""
    total = sum(found.rows.values(), collections.Counter())
    lines = [grid(['area', *COLUMNS], [[name, *(row[column] for column in COLUMNS)]
                                       for name, row in [*sorted(found.rows.items()), ('total', total)]])]
    lines += section('lost: passed on the bare pod, not at the top', found.lost)
    lines += section('lost: skipped at the top', found.skipped)
    lines += section('not counted: unstable on the bare pod', dict.fromkeys(found.unstable, UNRUN))
    if found.gained:
        lines.append('\npassed at the top only\n' + ''.join(f'  {name}\n' for name in found.gained))
    if found.unknown:
        lines.append(f'\n{len(found.unknown)} tests have no result on the bare pod\n')
    if total['base pass']:
        share = 100 * total['both'] / total['base pass']
        lines.append(f'\n{service}: {total["both"]} of {total["base pass"]} that pass on a bare pod pass at the top '
                     f'({share:.1f} %)\n')
    return ''.join(lines)


def section(title, results):
    """names under their faults, the most frequent fault first"""
    if not results:
        return []
    by_fault = collections.defaultdict(list)
    for name, result in results.items():
        by_fault[result.get('reason', '')].append(name)
    lines = [f'\n{title}: {len(results)}\n']
    for fault, names in sorted(by_fault.items(), key=lambda item: (-len(item[1]), item[0])):
        lines.append(f'  {fault}\n' if fault else '')
        lines.extend(f'      {name}\n' for name in names)
    return lines


def grid(head, rows):
    rows = [head] + [[str(cell) for cell in row] for row in rows]
    width = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return ''.join('  '.join([row[0].ljust(width[0]), *(cell.rjust(w) for cell, w in zip(row[1:], width[1:]))]) + '\n'
                   for row in rows)
