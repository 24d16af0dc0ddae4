"""discover.py MAC: asks for an address by DHCP, without taking it; prints `address server router` of the offer.

The address is what the offer gives, the server who gives it, the router its first one (- if it names none).
"""
import os
import socket
import struct
import sys

MAGIC = bytes.fromhex('63825363')
ROUTER, TYPE, SERVER, WANTED = 3, 53, 54, 55
ATTEMPTS = 3


def options(data):
    found = {}
    while data and data[0] != 255:
        if data[0] == 0:
            data = data[1:]
            continue
        found[data[0]] = data[2:2 + data[1]]
        data = data[2 + data[1]:]
    return found


def address(data):
    return socket.inet_ntoa(data[:4]) if data else '-'


mac = bytes(int(x, 16) for x in sys.argv[1].split(':'))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0')
client.bind(('', 68))
client.settimeout(3)
transaction = os.urandom(4)
message = struct.pack('!4B4s2H16x16s192x4s', 1, 1, 6, 0, transaction, 0, 0x8000, mac, MAGIC)
message += bytes([TYPE, 1, 1, WANTED, 2, 1, ROUTER, 255])
for _ in range(ATTEMPTS):
    client.sendto(message, ('255.255.255.255', 67))
    try:
        offer = client.recv(2000)
    except TimeoutError:
        continue
    if offer[4:8] == transaction:
        given = options(offer[240:])
        print(socket.inet_ntoa(offer[16:20]), address(given.get(SERVER)), address(given.get(ROUTER)))
        break
