"""send.py ADDRESS PORT COUNT: sends that many random bytes; prints their SHA-256 and the seconds that it took."""
import hashlib
import os
import socket
import sys
import time

data = os.urandom(int(sys.argv[3]))
began = time.monotonic()
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
connection.settimeout(60)
connection.sendall(data)
connection.shutdown(socket.SHUT_WR)
connection.recv(1)                      # until the receiver has read it all and closes
print(hashlib.sha256(data).hexdigest(), f'{time.monotonic() - began:.1f}')
