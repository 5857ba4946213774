"""The controller with its packet decoder, driven by bus models that are not ours: RoCEv2 frames written here byte by byte, on
cocotbext-axi's AXI4-Stream source, with random stalls.

The queue pair stands in the table's stash, which any queue pair may take: no hash is needed. What is expected of the frames is what
`docs/packet-decoder.md` says.
"""

import random
import struct
import zlib

import cocotb
from cocotbext.axi import AxiResp, AxiStreamFrame

from test_control import BASE, KEY, LAYOUT, NET_ID, Bench, physical

WRITE_FIRST, WRITE_MIDDLE, WRITE_LAST, WRITE_ONLY, READ, FETCH_ADD = 0x06, 0x07, 0x08, 0x0A, 0x0C, 0x14
ENTRY, CONTEXT = 1, 2
PEER, QPN, INDEX = 0x0A000209, 0x123456, 77
# 256 queue pairs: four ways of 128, then the stash.
STASH = 4 * 128


def mapped(address):
    """An IPv4 address in 128 bits."""
    return 0xFFFF << 32 | address


def checksum(header):
    """Of an IPv4 header."""
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icrc(header, udp):
    """Of an IPv4 packet: with ones in place of what routers change (InfiniBand 1.4, A17.3.3)."""
    packet = bytearray(header + udp)
    for place in (1, 8, 10, 11, 20 + 6, 20 + 7, 20 + 8 + 4):
        packet[place] = 0xFF
    return struct.pack("<I", zlib.crc32(b"\xff" * 8 + packet))


def frame(opcode, psn, extended=b"", payload=b"", qpn=QPN, source=PEER, vlan=None):
    """A RoCEv2 frame."""
    pad = -len(payload) % 4
    transport = bytes([opcode, pad << 4, 0xFF, 0xFF]) + struct.pack("!II", qpn, psn)
    body = transport + extended + payload + bytes(pad)
    udp = struct.pack("!HHHH", 0xC000, 4791, 8 + len(body) + 4, 0) + body
    header = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp) + 4, 0, 0x4000, 64, 17, 0, source, NET_ID)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    ethernet = bytes(12) + (b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)) + b"\x08\x00"
    return ethernet + header + udp + icrc(header, udp)


def reth(va, length, key=KEY):
    return struct.pack("!QII", va, key, length)


class FrameBench(Bench):
    SOURCES = ["s_axis_frame"]

    def take_sources(self, frames):
        self.frames = frames

    async def tell(self, command, index, words):
        """A command to the decoder."""
        for number, word in enumerate(words):
            assert await self.write(f"queue_pair_word{number}", word) == AxiResp.OKAY
        assert await self.write("queue_pair_index", index) == AxiResp.OKAY
        assert await self.write("queue_pair_command", command) == AxiResp.OKAY
        while not await self.read("queue_pair_status") & 1:
            pass

    async def bring_up(self):
        await super().bring_up()
        split = lambda address: [address >> 32 * word & 0xFFFFFFFF for word in range(4)]
        await self.tell(CONTEXT, INDEX, [*split(mapped(PEER)), 1, 0b111, 0, 0])
        await self.tell(ENTRY, STASH, [*split(mapped(NET_ID)), QPN, INDEX, 1, 0])

    async def sends(self, *fields, **more):
        await self.frames.send(AxiStreamFrame(frame(*fields, **more)))

    async def answer(self):
        """(fault, bytes done, original), opcode and sequence number."""
        word = bytes((await self.completions.recv()).tdata)
        tag = int.from_bytes(word[0:4], "little")
        assert int.from_bytes(word[4:8], "little") == QPN
        done, original = int.from_bytes(word[8:12], "little"), int.from_bytes(word[24:32], "little")
        return (word[14], done, original), tag >> 24, tag & 0xFFFFFF

    # The network identifier of docs/bring-up.md, as a 128-bit one.
    async def change(self, op, table=0, index=0, data=0, staged=()):
        if list(staged) == [NET_ID, 0, 0]:
            staged = [mapped(NET_ID), 0, 0]
        return await super().change(op, table, index, data, staged)


@cocotb.test()
async def frames_become_accesses(dut):
    bench = FrameBench(dut, 1)
    await bench.start()
    assert await bench.read("version") == LAYOUT["version"]
    assert await bench.read("queue_pairs") == 256
    await bench.bring_up()
    chance = random.Random(1)
    expected, psn = {}, 0xFFFFF0
    for round in range(40):
        kind = chance.choice(["only", "only", "message", "read", "add"])
        vlan = chance.choice([None, chance.randrange(4096)])
        if kind == "only":
            payload = chance.randbytes(chance.choice([1, 5, 64, chance.randrange(1, 4097)]))
            va = BASE + chance.randrange(0x2800 - len(payload) + 1)
            await bench.sends(WRITE_ONLY, psn, reth(va, len(payload)), payload, vlan=vlan)
            assert await bench.answer() == ((0, len(payload), 0), WRITE_ONLY, psn)
            expected |= {va + byte: value for byte, value in enumerate(payload)}
        elif kind == "message":
            size = chance.choice([256, 512, 1024])
            payload = chance.randbytes(chance.randrange(2 * size + 1, 3 * size + 1))
            va = BASE + chance.randrange(0x2800 - len(payload) + 1)
            packets = [WRITE_FIRST, WRITE_MIDDLE, WRITE_LAST]
            for number, opcode in enumerate(packets):
                part = payload[number * size : (number + 1) * size]
                header = reth(va, len(payload)) if number == 0 else b""
                await bench.sends(opcode, (psn + number) % 2**24, header, part, vlan=vlan)
            for number, opcode in enumerate(packets):
                done = len(payload[number * size : (number + 1) * size])
                assert await bench.answer() == ((0, done, 0), opcode, (psn + number) % 2**24)
            expected |= {va + byte: value for byte, value in enumerate(payload)}
            psn += 2
        elif kind == "read":
            length = chance.choice([1, 100, 4096, chance.randrange(4097, 0x2800)])
            va = BASE + chance.randrange(0x2800 - length + 1)
            await bench.sends(READ, psn, reth(va, length), vlan=vlan)
            data = b""
            while len(data) < length:
                piece = bytes((await bench.read_data.recv()).tdata)
                assert await bench.answer() == ((0, len(piece), 0), READ, psn)
                data += piece
            assert data == bytes(expected.get(va + byte, 0) for byte in range(length))
        else:
            va, add = BASE + 8 * chance.randrange(0x2800 // 8), chance.getrandbits(64)
            value = int.from_bytes(bytes(expected.get(va + byte, 0) for byte in range(8)), "little")
            await bench.sends(FETCH_ADD, psn, struct.pack("!QIQQ", va, KEY, add, 0), vlan=vlan)
            assert await bench.answer() == ((0, 8, value), FETCH_ADD, psn)
            for byte, new in enumerate(((value + add) % 2**64).to_bytes(8, "little")):
                expected[va + byte] = new
        psn = (psn + 1) % 2**24
    for va in range(BASE, BASE + 0x2800):
        assert bench.memory.read(physical(va), 1)[0] == expected.get(va, 0)
    await strangers_are_dropped(bench)


async def strangers_are_dropped(bench):
    """In the same session, since clearing takes most of a simulation's time."""
    counts = ["accepted", "malformed", "other", "unknown_queue_pair", "unknown_peer", "no_message"]
    before = [await bench.read(f"frames_{count}") for count in counts]
    assert before[1:] == [0] * 5
    payload = bytes(range(64))
    good = frame(WRITE_ONLY, 1, reth(BASE, 64), payload)
    await bench.sends(WRITE_ONLY, 1, reth(BASE, 64), payload, qpn=QPN ^ 1)
    await bench.sends(WRITE_ONLY, 1, reth(BASE, 64), payload, source=PEER ^ 1)
    await bench.sends(WRITE_LAST, 1, b"", payload)
    await bench.sends(0x04, 1, b"", payload)
    await bench.frames.send(AxiStreamFrame(good[:-9]))
    await bench.frames.send(AxiStreamFrame(good[:22] + b"\xff" + good[23:]))
    await bench.frames.send(AxiStreamFrame(good[:-1] + bytes([good[-1] ^ 1])))
    await bench.frames.send(AxiStreamFrame(good))
    assert await bench.answer() == ((0, 64, 0), WRITE_ONLY, 1), "the one that is good, and no other"
    after = [await bench.read(f"frames_{count}") for count in counts]
    assert [new - old for new, old in zip(after, before)] == [1, 3, 1, 1, 1, 1]
    assert bench.memory.read(physical(BASE), 64) == payload
