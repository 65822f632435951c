"""Compares the image with the Kernel Self Protection Project's "Recommended Settings" (kspp.github.io), by name; and
gives a reason for each departure. A departure without a reason, or a reason without a departure, is a finding."""

import re

CONFIG = """
ACPI_CUSTOM_METHOD=n BINFMT_MISC=n BUG=y BUG_ON_DATA_CORRUPTION=y COMPAT_BRK=n COMPAT_VDSO=n DEBUG_LIST=y DEBUG_NOTIFIERS=y
DEBUG_SG=y DEBUG_VIRTUAL=y DEBUG_WX=y DEFAULT_MMAP_MIN_ADDR=65536 DEVMEM=n EFI_DISABLE_PCI_DMA=y FORTIFY_SOURCE=y
HARDENED_USERCOPY=y HIBERNATION=n INET_DIAG=n INIT_ON_ALLOC_DEFAULT_ON=y INIT_ON_FREE_DEFAULT_ON=y INTEL_IOMMU=y
INTEL_IOMMU_DEFAULT_ON=y INTEL_IOMMU_SVM=y IOMMU_DEFAULT_DMA_STRICT=y IOMMU_SUPPORT=y IO_STRICT_DEVMEM=y KEXEC=n KFENCE=y
LDISC_AUTOLOAD=n LEGACY_PTYS=n LEGACY_TIOCSTI=n LEGACY_VSYSCALL_NONE=y LIST_HARDENED=y MODIFY_LDT_SYSCALL=n MODULE_SIG=y
MODULE_SIG_ALL=y MODULE_SIG_FORCE=y MODULE_SIG_SHA512=y PAGE_TABLE_CHECK=y PAGE_TABLE_CHECK_ENFORCED=y PANIC_ON_OOPS=y
PANIC_TIMEOUT=-1 PROC_KCORE=n RANDOMIZE_BASE=y RANDOMIZE_KSTACK_OFFSET_DEFAULT=y RANDOMIZE_MEMORY=y RANDOM_KMALLOC_CACHES=y
RESET_ATTACK_MITIGATION=y SCHED_CORE=y SCHED_STACK_END_CHECK=y SECCOMP=y SECCOMP_FILTER=y SECURITY=y SECURITY_DMESG_RESTRICT=y
SECURITY_LANDLOCK=y SECURITY_LOCKDOWN_LSM=y SECURITY_LOCKDOWN_LSM_EARLY=y SECURITY_SELINUX_BOOTPARAM=n SECURITY_YAMA=y
SHUFFLE_PAGE_ALLOCATOR=y SLAB_FREELIST_HARDENED=y SLAB_FREELIST_RANDOM=y SLAB_MERGE_DEFAULT=n SLUB_DEBUG=y STACKPROTECTOR=y
STACKPROTECTOR_STRONG=y STATIC_USERMODEHELPER=y STRICT_DEVMEM=y STRICT_KERNEL_RWX=y STRICT_MODULE_RWX=y SYN_COOKIES=y
UBSAN=y UBSAN_BOUNDS=y UBSAN_TRAP=y VMAP_STACK=y WERROR=y X86_64=y X86_UMIP=y X86_X32_ABI=n ZERO_CALL_USED_REGS=y
""".split()

COMMAND_LINE = """
hash_pointers=always hardened_usercopy=1 init_on_alloc=1 init_on_free=1 iommu.passthrough=0 iommu.strict=1
kfence.sample_interval=100 mitigations=auto,nosmt module.sig_enforce=1 page_alloc.shuffle=1 pti=on
randomize_kstack_offset=on slab_nomerge vdso32=0 vsyscall=none
""".split()

SYSCTL = """
dev.tty.ldisc_autoload=0 dev.tty.legacy_tiocsti=0 fs.protected_fifos=2 fs.protected_hardlinks=1 fs.protected_regular=2
fs.protected_symlinks=1 fs.suid_dumpable=0 kernel.dmesg_restrict=1 kernel.io_uring_disabled=2 kernel.kexec_load_disabled=1
kernel.kptr_restrict=2 kernel.modules_disabled=1 kernel.oops_limit=100 kernel.perf_event_paranoid=3
kernel.randomize_va_space=2 kernel.unprivileged_bpf_disabled=1 kernel.warn_limit=100 kernel.yama.ptrace_scope=3
net.core.bpf_jit_harden=2 user.max_user_namespaces=0 vm.unprivileged_userfaultfd=0
""".split()

# Debian builds the kernel, and signs it. For a kernel of our own we would have to fix every hole within hours.
DEBIAN = "as Debian builds it; "
REASONS = {
    "BINFMT_MISC": DEBIAN + "a module, which nothing loads and then nothing may",
    "DEBUG_NOTIFIERS": DEBIAN + "a check for developers", "DEBUG_SG": DEBIAN + "a check for developers",
    "DEBUG_VIRTUAL": DEBIAN + "a check for developers",
    "DEVMEM": DEBIAN + "lockdown=integrity and STRICT_DEVMEM close it",
    "EFI_DISABLE_PCI_DMA": DEBIAN + "it keeps some machines from booting",
    "HIBERNATION": DEBIAN + "lockdown=integrity refuses it, and there is no swap",
    "INET_DIAG": "gatehouse fence --kill ends connections through it",
    "INIT_ON_FREE_DEFAULT_ON": "init_on_free costs throughput in every packet; init_on_alloc keeps old data from new owners",
    "KEXEC": DEBIAN + "lockdown refuses unsigned kernels, kexec_load_disabled the rest",
    "LDISC_AUTOLOAD": DEBIAN + "dev.tty.ldisc_autoload=0",
    "MODIFY_LDT_SYSCALL": DEBIAN + "no service's system call filter has it",
    "MODULE_SIG_FORCE": DEBIAN + "module.sig_enforce=1 and lockdown", "MODULE_SIG_SHA512": DEBIAN + "SHA-256",
    "MODULE_SIG_ALL": DEBIAN + "Debian signs them in a step of its own",
    "PAGE_TABLE_CHECK": DEBIAN + "it costs in every fault", "PAGE_TABLE_CHECK_ENFORCED": DEBIAN + "as PAGE_TABLE_CHECK",
    "PANIC_ON_OOPS": DEBIAN + "oops=panic", "PANIC_TIMEOUT": DEBIAN + "panic=10, so that the reason can be read",
    "PROC_KCORE": DEBIAN + "root alone may read it, and lockdown=integrity leaves it to root",
    "RANDOM_KMALLOC_CACHES": DEBIAN + "slab_nomerge and SLAB_FREELIST_RANDOM",
    "SLAB_MERGE_DEFAULT": DEBIAN + "slab_nomerge", "STATIC_USERMODEHELPER": DEBIAN + "no helper that it could start is in the image",
    "UBSAN": DEBIAN + "not built in", "UBSAN_BOUNDS": DEBIAN + "not built in", "UBSAN_TRAP": DEBIAN + "not built in",
    "WERROR": DEBIAN + "a choice of the builder",
    "ZERO_CALL_USED_REGS": DEBIAN + "not built in",
    "INTEL_IOMMU_DEFAULT_ON": DEBIAN + "a virtual machine has none",
    "IOMMU_DEFAULT_DMA_STRICT": DEBIAN + "a virtual machine has none", "SCHED_CORE": DEBIAN + "nothing here shares a core with strangers",
    "init_on_free": "as INIT_ON_FREE_DEFAULT_ON", "mitigations": "nosmt halves the processors; the operator may know better",
    "iommu.passthrough": "a virtual machine has none", "iommu.strict": "a virtual machine has none",
    "kfence.sample_interval": "KFENCE finds bugs for developers", "vdso32": "no 32-bit program may run (ia32_emulation=0)",
    "pti": "on where the processor needs it; others would only pay",
    "kernel.io_uring_disabled": "1: Gatehouse's group alone may use it, the proxy lives of it",
    "kernel.oops_limit": "oops=panic ends the machine at the first", "kernel.warn_limit": "a warning is logged, not fatal",
}


def differences(config, command_line, sysctl):
    """Findings, one line each; and the departures with their reasons, for the reader. All three are texts: a kernel's
    configuration, the words of its command line, lines of sysctl.d."""
    have = dict(re.findall(r"^CONFIG_(\w+)=(.*)$", config, re.M))
    words = dict((word.split("=", 1) + [""])[:2] for word in command_line.split())
    settings = dict(re.findall(r"^([\w.]+)\s*=\s*(\S+)$", sysctl, re.M))
    findings, departures, needed = [], [], set()
    for kind, wanted, found in (("kernel", CONFIG, have), ("command line", COMMAND_LINE, words), ("sysctl", SYSCTL, settings)):
        for setting in wanted:
            name, _, value = setting.partition("=")
            is_ = found.get(name, "n" if kind == "kernel" else "not set").strip('"')
            if is_ == value:
                continue
            needed.add(name)
            if name not in REASONS:
                findings.append(f"{kind}: {name} is {is_}, where {value or 'on'} is recommended, and no reason is given")
            else:
                departures.append(f"{name}={is_}: {REASONS[name]}")
    findings += [f"{name} is as recommended, and its reason can go" for name in REASONS if name not in needed]
    return findings, departures
