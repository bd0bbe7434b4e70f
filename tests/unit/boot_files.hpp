// What boots a guest, made for tests: boot sectors, GRUB's cores, kernels, initramfs images.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <lzma.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace vmconvert::boot_files {

inline std::string number(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xffU);
  }
  return bytes;
}

inline void put(std::string& bytes, std::size_t at, const std::string& what) {
  bytes.resize(std::max(bytes.size(), at + what.size()), '\0');
  bytes.replace(at, what.size(), what);
}

inline std::string padded(std::string text, std::size_t multiple) {
  text.resize((text.size() + multiple - 1) / multiple * multiple, '\0');
  return text;
}

inline std::string packed(const std::string& text) {
  lzma_options_lzma options = {};
  lzma_lzma_preset(&options, 6);
  options.dict_size = 1U << 16U;
  const std::array<lzma_filter, 2> filters = {
      {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, nullptr}}};
  std::string out(text.size() + 65536, '\0');
  std::size_t used = 0;
  EXPECT_EQ(lzma_raw_buffer_encode(filters.data(), nullptr,
                                   reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                   reinterpret_cast<std::uint8_t*>(out.data()), &used, out.size()),
            LZMA_OK);
  out.resize(used);
  return out;
}

// A core image as grub-mkimage lays it out; the unpacking program is a filler.
// With a script that it runs first, if there is one.
// A list of modules with the prefix and, if there is one, the first script. Numbers of 4 bytes or
// of 8, as in UEFI's programs of 64 bits.
inline std::string module_list(const std::string& prefix, const std::string& script, bool wide) {
  const auto module = [](unsigned type, const std::string& text) {
    const std::string body = padded(text + '\0', 4);
    return number(type, 4) + number(8 + body.size(), 4) + body;
  };
  const std::string modules = module(3, prefix) + (script.empty() ? "" : module(2, script));
  const std::size_t width = wide ? 8 : 4;
  const std::size_t header = wide ? 24 : 12;
  return "mimg" + std::string(wide ? 4 : 0, '\0') + number(header, width) +
         number(header + modules.size(), width) + modules;
}

// grubx64.efi, as far as anybody reads it.
inline std::string make_efi_core(const std::string& prefix, const std::string& script = {}) {
  return "MZ" + std::string(5000, 'k') + module_list(prefix, script, true);
}

// systemd-boot, as far as anybody reads it.
inline std::string systemd_boot(const std::string& version) {
  return "MZ" + std::string(200, 's') + "#### LoaderInfo: systemd-boot " + version + " ####";
}

struct PeSection {
  std::string name, content;
};

// A program for UEFI of 64 bits, as objcopy and ukify lay out unified kernel images: content filled
// up to 512 bytes in the file, a page for each in memory.
inline std::string make_program(const std::vector<PeSection>& sections, bool is_signed = false) {
  constexpr std::size_t k_header = 0x80, k_optional = 240;
  std::string program(0x400, '\0');
  put(program, 0, "MZ");
  put(program, 0x3c, number(k_header, 4));
  put(program, k_header, std::string("PE\0\0", 4) + number(0x8664, 2) + number(sections.size(), 2));
  put(program, k_header + 4 + 16, number(k_optional, 2));
  const std::size_t optional = k_header + 24;
  put(program, optional, number(0x20b, 2));
  std::size_t address = 0x1000;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const std::string content = padded(sections[i].content, 512);
    std::string name = sections[i].name;
    name.resize(8, '\0');
    put(program, optional + k_optional + i * 40,
        name + number(sections[i].content.size(), 4) + number(address, 4) +
            number(content.size(), 4) + number(program.size(), 4) + std::string(16, '\0'));
    program += content;
    address += padded(content, 0x1000).size() + 0x1000;
  }
  put(program, optional + 56, number(address, 4));
  if (is_signed) {
    put(program, optional + 112 + 4 * 8, number(program.size(), 4) + number(8, 4));
    program += "signed..";
  }
  return program;
}

inline std::string make_core(const std::string& prefix, const std::string& script = {}) {
  const std::string unpacked = std::string(5000, 'k') + module_list(prefix, script, false);
  const std::string data = packed(unpacked);
  std::string core(512 + 2848, '\x90');
  put(core, 512 + 0x08, number(data.size(), 4) + number(unpacked.size(), 4));
  core = padded(core + data, 512);
  put(core, 500, number(2, 8) + number(core.size() / 512 - 1, 2) + number(0x820, 2));
  return core;
}

inline std::string grub2_boot_sector() {
  std::string sector(512, '\0');
  put(sector, 0, "\xeb\x63\x90");
  put(sector, 0x5c, number(1, 8));
  put(sector, 0x180, "GRUB Geom");
  put(sector, 510, "\x55\xaa");
  return sector;
}

inline std::string legacy_boot_sector() {
  std::string sector(512, '\0');
  put(sector, 0, "\xeb\x48\x90");
  put(sector, 0x3e, "\x03\x02");
  put(sector, 0x44, number(1, 4));
  put(sector, 0x180, "GRUB Geom");
  put(sector, 510, "\x55\xaa");
  return sector;
}

inline std::string legacy_stage() {
  std::string stage(1024, '\0');
  put(stage, 0, "\xff");
  put(stage, 512 + 6, "\x03\x02");
  put(stage, 512 + 18,
      std::string("0.97") + '\0' + "\xff\xff\xff\xff" + "/boot/grub/stage2" + '\0');
  return stage;
}

inline std::string cpio(const std::vector<std::string>& paths) {
  std::string archive;
  const auto add = [&](const std::string& path) {
    std::string record = "070701";
    const std::array<std::size_t, 13> fields = {1, 0100644,         0, 0, 1, 0, 0, 0, 0, 0,
                                                0, path.size() + 1, 0};
    for (const std::size_t field : fields) {
      record += fmt::format("{:08X}", field);
    }
    archive += padded(record + path + '\0', 4);
  };
  for (const std::string& path : paths) {
    add(path);
  }
  add("TRAILER!!!");
  return padded(archive, 512);
}

inline std::string kernel_image(const std::string& version) {
  std::string image(0x1000, '\0');
  put(image, 0x1fe, "\x55\xaa");
  put(image, 0x202, "HdrS");
  put(image, 0x20e, number(0x600, 2));
  put(image, 0x800, version + " (builder@host) #1 SMP");
  return image;
}

inline std::string make_uki(const std::string& version, const std::string& initrd,
                            const std::string& arguments, const std::string& release = "ID=x\n",
                            bool is_signed = false) {
  return make_program({{".text", "stub"},
                       {".osrel", release},
                       {".uname", version},
                       {".cmdline", arguments},
                       {".initrd", initrd},
                       {".linux", kernel_image(version)}},
                      is_signed);
}

}  // namespace vmconvert::boot_files
