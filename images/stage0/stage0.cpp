// stage0: the first program of the image, alone in its initramfs. It refuses a command line that was not signed, and
// loads the modules that the disk needs. Then it opens the root file system by its hash, and executes systemd. Static
// and without libraries: all code that runs before the root is verified is here, in the signed kernel image.
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/reboot.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "images/stage0/command_line.hpp"
#include "images/stage0/gpt.hpp"
#include "images/stage0/verity.hpp"

namespace images::stage0 {
namespace {

constexpr int module_compressed = 4;      // MODULE_INIT_COMPRESSED_FILE
constexpr useconds_t look = 20'000;       // between two looks for the disk
constexpr int looks = 30 * 50;            // 30 seconds
constexpr unsigned reboot_after = 10;     // seconds, so that the reason can be read
constexpr const char* root = "/sysroot";  // where the new root is mounted

void say(const std::string& text) {
    const std::string line = "gatehouse-stage0: " + text + "\n";
    static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

[[noreturn]] void die(const std::string& what) {
    say("REFUSED: " + what);
    ::sleep(reboot_after);
    ::sync();
    ::reboot(LINUX_REBOOT_CMD_RESTART);
    ::_exit(1);
}

[[noreturn]] void fail(const std::string& what) {
    die(what + ": " + std::strerror(errno));
}

std::string read_all(const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail(file);
    }
    std::string text;
    std::array<char, 4096> some{};
    for (ssize_t got = 0; (got = ::read(fd, some.data(), some.size())) > 0;) {
        text.append(some.data(), static_cast<std::size_t>(got));
    }
    ::close(fd);
    return text;
}

void mount_kernel_views() {
    struct View {
        const char* type;
        const char* at;
        unsigned long flags;
    };
    constexpr std::array<View, 3> views{{{"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC},
                                         {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC},
                                         {"devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC}}};
    for (const View& view : views) {
        ::mkdir(view.at, 0755);
        if (::mount(view.type, view.at, view.type, view.flags, nullptr) != 0 && errno != EBUSY) {
            fail(std::string("cannot mount ") + view.at);
        }
    }
    const int console = ::open("/dev/console", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (console >= 0) {
            ::dup2(console, fd);
        }
    }
}

// The list has a file on each line, after those that it needs. Drivers of other hypervisors' disks cannot be loaded
// here. So failures are shown only where no disk is found.
void load_modules(std::string& refused) {
    const std::string list = read_all("/modules.list");
    for (std::size_t begin = 0; begin < list.size();) {
        const std::size_t end = std::min(list.find('\n', begin), list.size());
        const std::string file = "/" + list.substr(begin, end - begin);
        begin = end + 1;
        const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        const int flags = file.ends_with(".ko") ? 0 : module_compressed;
        if (fd < 0 || (::syscall(SYS_finit_module, fd, "", flags) != 0 && errno != EEXIST)) {
            refused += " " + file + " (" + std::strerror(errno) + ")";
        }
        ::close(fd);
    }
}

struct Device {
    std::string path;
    std::string number;  // major:minor, as device-mapper takes it
};

std::string partition_path(const std::string& disk, unsigned number) {
    const bool ends_with_digit = disk.back() >= '0' && disk.back() <= '9';
    return disk + (ends_with_digit ? "p" : "") + std::to_string(number);
}

std::optional<Device> find_on(const std::string& disk, const Guid& wanted) {
    const int fd = ::open(disk.c_str(), O_RDONLY | O_CLOEXEC);
    std::array<std::byte, 512> header{};
    std::optional<Device> found;
    if (fd >= 0 && ::pread(fd, header.data(), header.size(), 512) == static_cast<ssize_t>(header.size())) {
        if (const auto gpt = parse_gpt(header)) {
            std::vector<std::byte> entries(std::size_t{gpt->entries} * gpt->entry_size);
            const auto got = ::pread(fd, entries.data(), entries.size(), static_cast<off_t>(gpt->entries_lba * 512));
            entries.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
            const unsigned number = find_partition(*gpt, entries, wanted);
            struct stat about {};
            const std::string path = partition_path(disk, number);
            if (number != 0 && ::stat(path.c_str(), &about) == 0 && S_ISBLK(about.st_mode)) {
                found = Device{path, std::to_string(major(about.st_rdev)) + ":" + std::to_string(minor(about.st_rdev))};
            }
        }
    }
    if (fd >= 0) {
        ::close(fd);
    }
    return found;
}

// Looks on every disk until the partition is there: drivers need time to find their disks.
Device find_device(const Guid& wanted, const char* what, const std::string& refused) {
    for (int tries = 0; tries < looks; ++tries) {
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator("/sys/block", none)) {
            if (auto found = find_on("/dev/" + entry.path().filename().string(), wanted)) {
                return *found;
            }
        }
        ::usleep(look);
    }
    die(std::string("no disk has the ") + what + " of this version; drivers not loaded:" + refused);
}

// One device-mapper call about "root"; with a target where text is given.
dm_ioctl ask_mapper(int control, unsigned long call, std::uint32_t flags, std::uint64_t length = 0,
                    const std::string& text = {}) {
    struct Message {
        dm_ioctl head;
        dm_target_spec target;
        std::array<char, 1024> parameters;
    };
    auto message = std::make_unique<Message>();
    message->head.version[0] = DM_VERSION_MAJOR;
    message->head.data_size = sizeof *message;
    message->head.data_start = sizeof message->head;
    message->head.flags = flags;
    std::strcpy(message->head.name, "root");
    if (!text.empty()) {
        if (text.size() >= message->parameters.size()) {
            die("the verity table is too long");
        }
        message->head.target_count = 1;
        message->target.length = length;
        std::strcpy(message->target.target_type, "verity");
        std::memcpy(message->parameters.data(), text.data(), text.size());
    }
    if (::ioctl(control, call, message.get()) != 0) {
        fail("device-mapper refuses the root");
    }
    return message->head;
}

void mount_root(std::string_view hash, const std::string& refused) {
    const Halves halves = split(*parse_hash(hash));
    const Device hashes = find_device(halves.verity, "hash tree", refused);
    const Device data = find_device(halves.root, "root", refused);
    std::array<std::byte, 512> superblock{};
    const int fd = ::open(hashes.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ::pread(fd, superblock.data(), superblock.size(), 0) != static_cast<ssize_t>(superblock.size())) {
        fail("cannot read " + hashes.path);
    }
    ::close(fd);
    const auto verity = parse_verity(superblock);
    if (!verity) {
        die(hashes.path + " has no verity superblock that can be used");
    }
    const int control = ::open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
    if (control < 0) {
        fail("no device-mapper");
    }
    const dm_ioctl made = ask_mapper(control, DM_DEV_CREATE, 0);
    ask_mapper(control, DM_TABLE_LOAD, DM_READONLY_FLAG, sectors(*verity),
               table(*verity, data.number, hashes.number, hash));
    ask_mapper(control, DM_DEV_SUSPEND, 0);  // without the flag this resumes
    ::close(control);
    const std::string device = "/dev/dm-" + std::to_string(minor(made.dev));
    ::mkdir(root, 0755);
    if (::mount(device.c_str(), root, "erofs", MS_RDONLY | MS_NODEV, nullptr) != 0) {
        fail("cannot mount the root");
    }
}

[[noreturn]] void hand_over() {
    for (const char* view : {"/proc", "/sys", "/dev"}) {
        const std::string to = std::string(root) + view;
        if (::mount(view, to.c_str(), nullptr, MS_MOVE, nullptr) != 0) {
            fail("cannot move " + to);
        }
    }
    // Frees the initramfs's files.
    for (const char* file : {"/modules.list", "/cmdline", "/init"}) {
        ::unlink(file);
    }
    std::error_code none;
    std::filesystem::remove_all("/lib", none);
    if (::chdir(root) != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || ::chroot(".") != 0 ||
        ::chdir("/") != 0) {
        fail("cannot change the root");
    }
    const std::string init = "/usr/lib/systemd/systemd";
    std::array<char*, 2> arguments{const_cast<char*>(init.c_str()), nullptr};
    ::execv(init.c_str(), arguments.data());
    fail("cannot start " + init);
}

}  // namespace
}  // namespace images::stage0

int main() {
    using namespace images::stage0;
    mount_kernel_views();
    std::string why;
    const std::string command_line = read_all("/proc/cmdline");
    const auto hash = check_command_line(command_line, read_all("/cmdline"), why);
    if (!hash) {
        die("the kernel's command line: " + why);
    }
    std::string refused;
    load_modules(refused);
    mount_root(*hash, refused);
    hand_over();
}
