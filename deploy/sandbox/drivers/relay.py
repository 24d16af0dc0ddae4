"""relay.py PID HOST PORT...: brings ports of this network namespace to that of process PID.

It listens on HOST:PORT there (setns, listen, setns back) and carries each connection to HOST:PORT here.
"""
import asyncio
import ctypes
import os
import socket
import sys

CLONE_NEWNET = 0x40000000


def enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')


def listen_in(pid, host, ports):
    here = os.open('/proc/self/ns/net', os.O_RDONLY)
    enter(os.open(f'/proc/{pid}/ns/net', os.O_RDONLY))
    sockets = {port: socket.create_server((host, port), backlog=128) for port in ports}
    enter(here)
    return sockets


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def relay(host, sockets):
    def carrier(port):
        async def carry(reader, writer):
            try:
                far_reader, far_writer = await asyncio.open_connection(host, port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
            writer.close()
            far_writer.close()
        return carry
    servers = [await asyncio.start_server(carrier(port), sock=sock) for port, sock in sockets.items()]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == '__main__':
    asyncio.run(relay(sys.argv[2], listen_in(sys.argv[1], sys.argv[2], [int(port) for port in sys.argv[3:]])))
