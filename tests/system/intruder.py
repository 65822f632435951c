"""Code that got into a running process: makes its main thread do system calls, with that process's own rights. By
ptrace(2), which needs root; x86-64."""

import ctypes
import os
import platform
import struct
import unittest

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
SINGLESTEP, GETREGS, SETREGS, ATTACH, DETACH = 9, 12, 13, 16, 17
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es"
         " fs gs").split()
REGISTERS = struct.Struct(f"{len(NAMES)}Q")
SYSCALL = b"\x0f\x05"
RED_ZONE = 4096  # below the stack pointer, what the thread itself uses ends long before


def ptrace(request, pid, data=None):
    if LIBC.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace request {request}")


class Intruder:
    """with Intruder(pid) as inside: inside.call(number, ...) is what the kernel answers: -errno, a number, or
    None where it has ended the process."""

    def __init__(self, pid):
        if platform.machine() != "x86_64":
            raise unittest.SkipTest("the intruder knows x86-64 only")
        self.pid = pid

    def __enter__(self):
        ptrace(ATTACH, self.pid)
        os.waitpid(self.pid, 0)
        self.memory = os.open(f"/proc/{self.pid}/mem", os.O_RDWR)
        self.before = self.registers()
        self.free = self.before["rsp"] - RED_ZONE
        # A thread that waits stands behind the instruction that took it into the kernel.
        self.instruction = self.before["rip"] - len(SYSCALL)
        if os.pread(self.memory, len(SYSCALL), self.instruction) != SYSCALL:
            self.__exit__()
            raise RuntimeError("the thread does not wait in the kernel")
        return self

    def __exit__(self, *_):
        os.close(self.memory)
        try:
            self.set(self.before)
            ptrace(DETACH, self.pid)
        except ProcessLookupError:  # what was done in there has ended it
            try:
                os.waitpid(self.pid, 0)  # until its tracer knows, its parent does not
            except ChildProcessError:
                pass

    def registers(self):
        room = ctypes.create_string_buffer(REGISTERS.size)
        ptrace(GETREGS, self.pid, ctypes.cast(room, ctypes.c_void_p))
        return dict(zip(NAMES, REGISTERS.unpack(room.raw)))

    def set(self, registers):
        room = ctypes.create_string_buffer(REGISTERS.pack(*(registers[name] for name in NAMES)))
        ptrace(SETREGS, self.pid, ctypes.cast(room, ctypes.c_void_p))

    def put(self, data):
        """The address of a copy of data inside."""
        self.free = (self.free - len(data)) & ~15
        os.pwrite(self.memory, data, self.free)
        return self.free

    def read(self, address, size):
        return os.pread(self.memory, size, address)

    def call(self, number, *arguments):
        registers = dict(self.before, rax=number, rip=self.instruction, rsp=self.free - RED_ZONE & ~15,
                         orig_rax=2**64 - 1)
        for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), arguments + (0,) * (6 - len(arguments))):
            registers[name] = value % 2**64
        self.set(registers)
        ptrace(SINGLESTEP, self.pid)
        os.waitpid(self.pid, 0)
        try:
            answer = self.registers()["rax"]
        except ProcessLookupError:
            return None
        return answer - 2**64 if answer >= 2**63 else answer
