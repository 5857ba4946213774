"""The controller driven by bus models that are not ours: cocotbext-axi's AXI4-Lite master, AXI4-Stream sources and sinks
and AXI4 memory, with random stalls.

Offsets and fields come from `registers.json`, as any software would take them. What is expected of the lookup is what
`docs/bring-up.md` says, scaled to the preset under test.
"""

import itertools
import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import (
    AxiBus,
    AxiLiteBus,
    AxiLiteMaster,
    AxiRam,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

LAYOUT = json.loads(Path(os.environ["REGISTERS_JSON"]).read_text())
OFFSETS = {register["name"]: register["offset"] for register in LAYOUT["registers"]}
STAGE, SET_TABLE, BIND, INSTALL, SET_SLOT, READ_COUNTER = 0, 1, 3, 7, 9, 13
NO_SUCH_TABLE = 3
REMOTE_READ, REMOTE_WRITE, REMOTE_ATOMIC, LOCAL_READ, LOCAL_WRITE = range(5)
INVALID_KEY = 3
NET_ID, KEY, BASE, WINDOW = 0x0A000102, 0x5EE, 0x7F1234567800, 0x100
FRAMES = {0x10: 0x123, 0x11: 0x200, 0x12: 0x155}


def stalls(seed):
    """Whether a channel pauses, cycle by cycle."""
    chance = random.Random(seed)
    return (chance.random() < 0.4 for _ in itertools.count())


class Bench:
    """A controller after reset, its port paused at random."""

    SOURCES = ["s_axis_request", "s_axis_payload"]

    def take_sources(self, requests, payload):
        self.requests, self.payload = requests, payload

    def __init__(self, dut, seed):
        self.dut = dut
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        write, read = self.master.write_if, self.master.read_if
        channels = [write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel]
        for number, channel in enumerate(channels):
            channel.set_pause_generator(stalls(seed * 10 + number))
        stream = lambda name: AxiStreamBus.from_prefix(dut, name)
        sources = [AxiStreamSource(stream(name), dut.clk, dut.rst) for name in self.SOURCES]
        self.read_data = AxiStreamSink(stream("m_axis_read"), dut.clk, dut.rst)
        self.completions = AxiStreamSink(stream("m_axis_completion"), dut.clk, dut.rst)
        self.log = AxiStreamSink(stream("m_axis_log"), dut.clk, dut.rst)
        self.take_sources(*sources)
        for number, end in enumerate([*sources, self.read_data, self.completions]):
            end.set_pause_generator(stalls(seed * 10 + 5 + number))
        self.memory = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=2**24)
        memory_write, memory_read = self.memory.write_if, self.memory.read_if
        channels = [memory_write.aw_channel, memory_write.w_channel, memory_write.b_channel]
        for number, channel in enumerate(channels + [memory_read.ar_channel, memory_read.r_channel]):
            channel.set_pause_generator(stalls(seed * 10 + 9 + number))

    async def start(self):
        self.dut.rst.value = 1
        cocotb.start_soon(Clock(self.dut.clk, 4, "ns").start())
        for _ in range(3):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0
        while not await self.read("status") & 1:
            pass

    async def read(self, name):
        answer = await self.master.read(OFFSETS[name], 4)
        assert answer.resp == AxiResp.OKAY, name
        return int.from_bytes(answer.data, "little")

    async def write(self, name, value):
        answer = await self.master.write(OFFSETS[name], value.to_bytes(4, "little"))
        return answer.resp

    async def command(self, op, table=0, index=0, data=0):
        """Plays a command; gives its error and what it read."""
        arguments = {
            "table": table,
            "index": index,
            "data_low": data & 0xFFFFFFFF,
            "data_high": data >> 32,
            "command": op,
        }
        for name, value in arguments.items():
            assert await self.write(name, value) == AxiResp.OKAY, name
        while True:
            status = await self.read("status")
            if status & 0b110 == 0b100:
                break
        result = await self.read("result_low") | await self.read("result_high") << 32
        return status >> 8 & 0xFF, result

    async def change(self, op, table=0, index=0, data=0, staged=()):
        for word, value in enumerate(staged):
            assert await self.command(STAGE, index=word, data=value) == (0, 0)
        error, _ = await self.command(op, table, index, data)
        return error

    async def access(self, payload=b"", **fields):
        """Carries an access out; gives (fault, bytes done, original) and what it read."""
        if fields["op"] in (REMOTE_WRITE, LOCAL_WRITE) and fields["length"]:
            self.payload.send_nowait(AxiStreamFrame(payload))
        await self.requests.send(AxiStreamFrame(request_word(**fields)))
        word = bytes((await self.completions.recv()).tdata)
        done = int.from_bytes(word[8:12], "little")
        assert int.from_bytes(word[0:4], "little") == fields["tag"]
        data = b""
        if fields["op"] in (REMOTE_READ, LOCAL_READ) and done:
            data = bytes((await self.read_data.recv()).tdata)
        return (word[14], done, int.from_bytes(word[24:32], "little")), data

    async def bring_up(self):
        """The VM of docs/bring-up.md, in a lower window."""
        slices = [32 << 32 | 0x40, 128 << 32 | 0x100, WINDOW, 0x1000]
        assert await self.change(SET_TABLE, table=3, staged=slices) == 0
        for slot, frame in FRAMES.items():
            assert await self.change(SET_SLOT, table=3, index=slot, data=frame) == 0
        region = [BASE, 0x2800, 15 << 32 | 0x800, 1 << 32 | 0x10]
        assert await self.change(INSTALL, table=3, index=KEY, staged=region) == 0
        assert await self.change(BIND, table=3, staged=[NET_ID, 0, 0]) == 0


def request_word(net_id=None, key=None, pd=1, op=0, va=0, length=0, bound=None, stream=0, tag=0, atomic=0, operand=0,
                 compare=0):
    """The 72 bytes of a request."""
    net_id, key = NET_ID if net_id is None else net_id, KEY if key is None else key
    number = lambda value, count: value.to_bytes(count, "little")
    parts = [number(net_id, 20), number(key, 4), number(pd, 4), number(stream, 4), number(tag, 4), number(length, 4),
             number(va, 8), number(length if bound is None else bound, 4), number(op, 1), number(atomic, 1), bytes(2),
             number(operand, 8), number(compare, 8)]
    return b"".join(parts)


def physical(va):
    """Where a byte of the region lies."""
    position = va - BASE + 0x800
    return FRAMES[0x10 + (position >> 12)] << 12 | position & 0xFFF


@cocotb.test()
async def a_vm_is_brought_up_by_register_writes(dut):
    bench = Bench(dut, 1)
    await bench.start()
    assert await bench.read("id") == LAYOUT["id"]
    assert await bench.read("version") == LAYOUT["version"]
    await bench.bring_up()
    payload = bytes(range(256))
    asked = dict(op=REMOTE_WRITE, va=BASE + 0x1780, length=256, tag=7)
    assert await bench.access(payload, **asked) == ((0, 256, 0), b"")
    assert bench.memory.read(FRAMES[0x11] << 12 | 0xF80, 128) == payload[:128]
    assert bench.memory.read(FRAMES[0x12] << 12, 128) == payload[128:]
    assert await bench.access(payload, **asked | {"key": KEY + 1}) == ((INVALID_KEY, 0, 0), b""), "another variant"
    logged = [bytes((await bench.log.recv()).tdata) for _ in range(6)]
    assert [word[1] for word in logged] == [SET_TABLE, *[SET_SLOT] * 3, INSTALL, BIND], "every change, in order"
    assert [int.from_bytes(word[12:16], "little") for word in logged] == list(range(6)), "numbered"
    granted = await bench.command(READ_COUNTER, table=3, index=0)
    assert granted == (0, 1), "a counter comes back as the result"


@cocotb.test()
async def what_is_written_is_in_memory_byte_by_byte(dut):
    bench = Bench(dut, 4)
    await bench.start()
    await bench.bring_up()
    chance = random.Random(4)
    expected = {}
    for round in range(120):
        length = chance.choice([1, 7, 64, chance.randrange(1, 600), chance.randrange(1, 4097)])
        va = BASE + chance.randrange(0x2800 - length + 1)
        tag = round % 256
        if chance.random() < 0.15:
            va = BASE + 8 * chance.randrange(0x2800 // 8)
            found = bytes(expected.get(va + byte, 0) for byte in range(8))
            add = chance.getrandbits(64)
            answer, _ = await bench.access(op=REMOTE_ATOMIC, va=va, length=8, tag=tag, atomic=2, operand=add)
            value = int.from_bytes(found, "little")
            assert answer == (0, 8, value)
            for byte, new in enumerate(((value + add) % 2**64).to_bytes(8, "little")):
                expected[va + byte] = new
        elif chance.random() < 0.5:
            payload = chance.randbytes(length)
            op = chance.choice([REMOTE_WRITE, LOCAL_WRITE])
            answer, _ = await bench.access(payload, op=op, va=va, length=length, tag=tag)
            assert answer == (0, length, 0)
            expected |= {va + byte: value for byte, value in enumerate(payload)}
        else:
            op = chance.choice([REMOTE_READ, LOCAL_READ])
            answer, data = await bench.access(op=op, va=va, length=length, tag=tag)
            assert answer == (0, length, 0)
            assert data == bytes(expected.get(va + byte, 0) for byte in range(length))
    for va in range(BASE, BASE + 0x2800):
        assert bench.memory.read(physical(va), 1)[0] == expected.get(va, 0)


@cocotb.test()
async def what_must_be_refused_is_refused(dut):
    bench = Bench(dut, 2)
    await bench.start()
    slverr = AxiResp.SLVERR
    for name in ["id", "tables", "status", "result_low"]:
        before = await bench.read(name)
        assert await bench.write(name, 0) == slverr
        assert await bench.read(name) == before
    reserved = await bench.master.write(0x100, bytes(4))
    assert reserved.resp == slverr
    assert await bench.write("table", 0x10000) == slverr, "a reserved bit"
    assert await bench.command(BIND, table=0xFFFF) == (NO_SUCH_TABLE, 0)


@cocotb.test()
async def bytes_are_written_one_by_one(dut):
    bench = Bench(dut, 3)
    await bench.start()
    chance = random.Random(3)
    expected = bytearray(8)
    for _ in range(60):
        first = chance.randrange(8)
        word = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9 - first)))
        answer = await bench.master.write(OFFSETS["data_low"] + first, word)
        assert answer.resp == AxiResp.OKAY
        expected[first : first + len(word)] = word
        answer = await bench.master.read(OFFSETS["data_low"], 8)
        assert bytes(answer.data) == bytes(expected)
