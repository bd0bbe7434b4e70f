#include "trial/machine.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace vmconvert::trial {
namespace {

constexpr std::uint64_t k_least_memory_mib = 256;
constexpr std::uint64_t k_most_memory_mib = 2048;
constexpr unsigned k_most_vcpus = 2;

// QEMU's lists: a comma inside a value is written twice.
std::string value(const std::string& text) {
  return replace_all(text, ",", ",,");
}

// The description's text, which nobody has checked, goes into a list of options.
bool is_mac(const std::string& text) {
  if (text.size() != 17) {
    return false;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool good = at % 3 == 2 ? text[at] == ':'
                                  : std::string_view("0123456789abcdefABCDEF").find(text[at]) !=
                                        std::string_view::npos;
    if (!good) {
      return false;
    }
  }
  return true;
}

void add_firmware(const MachineFiles& files, std::vector<std::string>& argv) {
  if (files.firmware_code.empty()) {
    return;
  }
  argv.insert(argv.end(), {"-drive",
                           fmt::format("if=pflash,format=raw,unit=0,readonly=on,file={}",
                                       value(files.firmware_code.string())),
                           "-drive",
                           fmt::format("if=pflash,format=raw,unit=1,file={}",
                                       value(files.firmware_vars.string()))});
}

// hdc: the second controller's first place.
std::string disk_device(const TrialRequest& request, std::size_t index) {
  if (request.hardware.disk_bus != "ide") {
    return "virtio-blk-pci";
  }
  const int place = request.disks.at(index).name.at(2) - 'a';
  return fmt::format("ide-hd,bus=ide.{},unit={}", place / 2, place % 2);
}

std::string card_device(const std::string& model) {
  return model == "e1000" || model == "rtl8139" ? model : "virtio-net-pci";
}

void add_disks(const TrialRequest& request, const MachineFiles& files,
               std::vector<std::string>& argv) {
  for (std::size_t i = 0; i < files.overlays.size(); ++i) {
    argv.insert(argv.end(),
                {"-drive",
                 fmt::format("if=none,id=disk{},format=qcow2,cache=unsafe,file={}", i,
                             value(files.overlays[i].string())),
                 "-device",
                 fmt::format("{},drive=disk{},bootindex={}", disk_device(request, i), i, i + 1)});
  }
}

// restrict=on: DHCP answers, so that a guest does not wait for it, and no packet leaves.
void add_nics(const TrialRequest& request, std::vector<std::string>& argv) {
  const std::vector<std::string>& macs = request.macs;
  for (std::size_t i = 0; i < macs.size(); ++i) {
    const std::string mac = is_mac(macs[i]) ? ",mac=" + macs[i] : "";
    argv.insert(argv.end(), {"-netdev", fmt::format("user,id=net{},restrict=on", i), "-device",
                             fmt::format("{},netdev=net{},romfile={}",
                                         card_device(request.hardware.nic_model), i, mac)});
  }
}

}  // namespace

std::chrono::seconds time_limit(const TrialRequest& request) {
  const bool kvm = request.accelerator == host::AcceleratorKind::kvm;
  return request.limit.value_or(std::chrono::seconds(kvm ? 300 : 600));
}

std::vector<std::string> machine_words(const TrialRequest& request, const MachineFiles& files,
                                       Sandbox sandbox) {
  const bool kvm = request.accelerator == host::AcceleratorKind::kvm;
  const std::uint64_t memory =
      std::clamp(request.memory.value / k_mib, k_least_memory_mib, k_most_memory_mib);
  std::vector<std::string> argv = {
      "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
      // Without graphics the firmware and boot loaders speak on the serial port, too.
      "-machine", fmt::format("{},graphics=off", value(request.machine)), "-accel",
      kvm ? "kvm" : "tcg,thread=multi", "-cpu", kvm ? "host" : "max", "-smp",
      std::to_string(std::clamp(request.vcpus, 1U, k_most_vcpus)), "-m", std::to_string(memory),
      // strict: no boot from anything but the disks. -no-reboot: a guest that restarts itself ends.
      "-boot", "strict=on", "-no-reboot", "-chardev",
      fmt::format("file,id=console,path={}", value(files.console.string())), "-serial",
      "chardev:console", "-device", "virtio-rng-pci"};
  if (sandbox == Sandbox::on) {
    argv.insert(argv.end(), {"-sandbox",
                             "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                             "resourcecontrol=deny"});
  }
  add_firmware(files, argv);
  add_disks(request, files, argv);
  add_nics(request, argv);
  return argv;
}

}  // namespace vmconvert::trial
