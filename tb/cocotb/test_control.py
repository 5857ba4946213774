"""The controller driven by bus models that are not ours: cocotbext-axi's AXI4-Lite master, with random stalls.

Offsets and fields come from `registers.json`, as any software would take them. What is expected of the lookup is what
`docs/bring-up.md` says, scaled to the preset under test.
"""

import itertools
import json
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

LAYOUT = json.load(open(os.environ["REGISTERS_JSON"]))
OFFSETS = {register["name"]: register["offset"] for register in LAYOUT["registers"]}
STAGE, SET_TABLE, BIND, INSTALL, SET_SLOT, READ_COUNTER = 0, 1, 3, 7, 9, 13
NO_SUCH_TABLE = 3


def stalls(seed):
    """Whether a channel pauses, cycle by cycle."""
    chance = random.Random(seed)
    return (chance.random() < 0.4 for _ in itertools.count())


class Bench:
    """A controller after reset, its port paused at random."""

    def __init__(self, dut, seed):
        self.dut = dut
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        write, read = self.master.write_if, self.master.read_if
        channels = [write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel]
        for number, channel in enumerate(channels):
            channel.set_pause_generator(stalls(seed * 10 + number))

    async def start(self):
        for name in ["req_valid", "rsp_ready", "ret_valid"]:
            getattr(self.dut, name).value = 0
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

    async def lookup(self, **fields):
        """Asks once; gives the beats as (fault, address, bytes)."""
        dut = self.dut
        for name, value in fields.items():
            getattr(dut, f"req_{name}").value = value
        dut.req_valid.value = 1
        dut.rsp_ready.value = 1
        beats = []
        while True:
            await RisingEdge(dut.clk)
            if dut.req_valid.value and dut.req_ready.value:
                dut.req_valid.value = 0
            if dut.rsp_valid.value:
                beats.append(tuple(int(getattr(dut, f"rsp_{name}").value) for name in ["fault", "pa", "span"]))
                if dut.rsp_last.value:
                    dut.rsp_ready.value = 0
                    return beats


@cocotb.test()
async def a_vm_is_brought_up_by_register_writes(dut):
    bench = Bench(dut, 1)
    await bench.start()
    assert await bench.read("id") == LAYOUT["id"]
    assert await bench.read("version") == LAYOUT["version"]
    slices = [32 << 32 | 0x40, 128 << 32 | 0x100, 0x40000, 0x40000]
    assert await bench.change(SET_TABLE, table=3, staged=slices) == 0
    for slot, frame in [(0x10, 0x40123), (0x11, 0x40200), (0x12, 0x40055)]:
        assert await bench.change(SET_SLOT, table=3, index=slot, data=frame) == 0
    region = [0x7F1234567800, 0x2000, 7 << 32 | 0x800, 1 << 32 | 0x10]
    assert await bench.change(INSTALL, table=3, index=0x5EE, staged=region) == 0
    assert await bench.change(BIND, table=3, staged=[0x0A000102, 0, 0]) == 0
    asked = dict(net_id=0x0A000102, key=0x5EE, pd=1, op=1, va=0x7F1234568F80, length=256, bound=256, stream=0, tag=0)
    assert await bench.lookup(**asked) == [(0, 0x40200F80, 128), (0, 0x40055000, 128)]
    assert await bench.lookup(**asked | {"key": 0x5EF}) == [(3, 0, 0)], "another variant"
    granted = await bench.command(READ_COUNTER, table=3, index=0)
    assert granted == (0, 1), "a counter comes back as the result"


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
