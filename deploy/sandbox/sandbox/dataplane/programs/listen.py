"""listen.py PORT: takes one connection; prints how many bytes came, their SHA-256, and from which address."""
import hashlib
import socket
import sys

PATIENCE = 60           # seconds: nobody is left listening when a sender never comes

server = socket.create_server(('', int(sys.argv[1])))
server.settimeout(PATIENCE)
print('listening', flush=True)
connection, peer = server.accept()
connection.settimeout(PATIENCE)
received, digest = 0, hashlib.sha256()
while data := connection.recv(65536):
    received += len(data)
    digest.update(data)
print(received, digest.hexdigest(), peer[0])
