"""Packets: ping, TCP, hops and DHCP, from and to a place (pod, namespace)."""
import subprocess
import sys
import time

COUNT = 20_000_000

LISTEN = '''
import socket
server = socket.create_server(("", 8099))
print("listening", flush=True)
connection, peer = server.accept()
received = 0
while data := connection.recv(65536):
    received += len(data)
print(received, peer[0])
'''
SEND = '''
import socket, sys, time
began = time.time()
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
s.sendall(b"x" * int(sys.argv[3]))
s.shutdown(1)
s.recv(1)
print(f"{time.time() - began:.1f} s")
'''
HOPS = '''
import os, socket, struct, sys
for ttl in range(1, 6):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    s.settimeout(2)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    words = [0x0800, 0, os.getpid() & 0xffff, ttl]
    total = sum(words)
    words[1] = ~((total >> 16) + (total & 0xffff)) & 0xffff
    s.sendto(struct.pack("!4H", *words), (sys.argv[1], 0))
    try:
        hop = s.recvfrom(2000)[1][0]
    except TimeoutError:
        hop = "*"
    print(hop)
    if hop == sys.argv[1]:
        break
'''
DISCOVER = '''
import os, socket, struct, sys
mac = bytes(int(x, 16) for x in sys.argv[1].split(":"))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
s.bind(("", 68))
s.settimeout(3)
xid = os.urandom(4)
message = struct.pack("!4B4s2H16x16s192x4s", 1, 1, 6, 0, xid, 0, 0x8000, mac, bytes.fromhex("63825363"))
message += bytes([53, 1, 1, 55, 5, 1, 3, 6, 26, 121, 255])
for attempt in range(3):
    s.sendto(message, ("255.255.255.255", 67))
    try:
        offer = s.recv(2000)
    except TimeoutError:
        continue
    if offer[4:8] == xid:
        print(socket.inet_ntoa(offer[16:20]))
        break
'''


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
        server = subprocess.Popen([*self.clouds.words(*target), sys.executable, '-c', LISTEN], text=True,
                                  stdout=subprocess.PIPE)
        server.stdout.readline()
        sent = self.clouds.inside(*source, sys.executable, '-c', SEND, address, str(port), str(COUNT))
        try:
            received, peer = (server.communicate(timeout=20)[0].split() + ['', ''])[:2]
        except subprocess.TimeoutExpired:
            server.kill()
            received, peer = 'nothing', ''
        self.report.check(what, received == str(COUNT), f'{received} bytes from {peer}, {sent.strip()[-60:]}')
        return peer

    def hops(self, place, address):
        return self.clouds.inside(*place, sys.executable, '-c', HOPS, address).split()

    def dhcp_offer(self, place, mac):
        return self.clouds.inside(*place, sys.executable, '-c', DISCOVER, mac).strip()
