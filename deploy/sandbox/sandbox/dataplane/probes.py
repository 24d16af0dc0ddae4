"""Packets: ping, TCP, hops and DHCP, from and to a place (pod, namespace)."""
import subprocess
import sys
import time
from pathlib import Path

COUNT = 20_000_000
PROGRAMS = Path(__file__).resolve().parent / 'programs'     # what runs in the places; the tests in Rust use it too


class Probes:

    def __init__(self, clouds, report):
        self.clouds, self.report = clouds, report

    def ping(self, place, address, count=3, seconds=5):
        """(answered, the summary)"""
        output = self.clouds.inside(*place, 'ping', '-c', str(count), '-i', '0.2', '-w', str(seconds), address)
        summary = ' | '.join(line for line in output.splitlines() if 'packets' in line or 'rtt' in line)
        return ' 0% packet loss' in summary or (count == 1 and ' 1 received' in summary), summary

    def once(self, place, address):
        return self.ping(place, address, 1, 1)[0]

    def settle(self, place, address, limit=30):
        """until the first answer: agents wire ports a little later than Neutron says ACTIVE"""
        began = time.monotonic()
        while not self.once(place, address) and time.monotonic() - began < limit:
            pass
        self.report.note(f'first answer of {address} after {time.monotonic() - began:.1f} s')

    def reaches(self, what, place, address, count=5):
        good, detail = self.ping(place, address, count)
        self.report.check(what, good, detail)

    def silent(self, what, place, address):
        output = self.clouds.inside(*place, 'ping', '-c', '2', '-i', '0.2', '-w', '2', address)
        self.report.check(what, ' 0 received' in output or 'unreachable' in output.lower(),
                          ' | '.join(line for line in output.splitlines() if 'packets' in line))

    def tcp(self, what, source, target, address, port=8099):
        """20 MB; gives the address that the receiver saw"""
        # a forwarded port leads to 8099, where it listens in any case
        server = subprocess.Popen([*self.clouds.words(*target), *_program('listen', '8099')], text=True,
                                  stdout=subprocess.PIPE)
        server.stdout.readline()
        sent = self.clouds.inside(*source, *_program('send', address, str(port), str(COUNT)))
        try:
            received, digest, peer = (server.communicate(timeout=20)[0].split() + [''] * 3)[:3]
        except subprocess.TimeoutExpired:
            server.kill()
            received, digest, peer = 'nothing', '', ''
        good = received == str(COUNT) and sent.startswith(digest)
        self.report.check(what, good, f'{received} bytes from {peer}, {sent.strip()[-60:]}')
        return peer

    def hops(self, place, address):
        return self.clouds.inside(*place, *_program('hops', address)).split()

    def dhcp_offer(self, place, mac):
        """the address in it"""
        return (self.clouds.inside(*place, *_program('discover', mac)).split() or [''])[0]


def _program(name, *words):
    return [sys.executable, str(PROGRAMS / f'{name}.py'), *words]
