"""hops.py ADDRESS: prints who answers on the way there, a line each; * for who does not."""
import os
import socket
import struct
import sys

for ttl in range(1, 6):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    s.settimeout(2)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    words = [0x0800, 0, os.getpid() & 0xffff, ttl]
    total = sum(words)
    words[1] = ~((total >> 16) + (total & 0xffff)) & 0xffff
    s.sendto(struct.pack('!4H', *words), (sys.argv[1], 0))
    try:
        hop = s.recvfrom(2000)[1][0]
    except TimeoutError:
        hop = '*'
    print(hop)
    if hop == sys.argv[1]:
        break
