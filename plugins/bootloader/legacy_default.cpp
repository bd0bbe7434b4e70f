// GRUB legacy boots entry `default`. On a PV guest that was often kernel-xen, which no PC can run:
// then another entry takes its place, with the guest's other entries as they were.
#include <vmconvert/fixer_boot.hpp>

#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

// The line "default N" or "fallback N" before the first title, and where its number stands.
struct Directive {
  std::size_t line = 0;
  std::string_view number;
};
std::optional<Directive> find_directive(const std::vector<Line>& lines, std::string_view name) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view text = lines[i].text;
    const auto words = active_words(text);
    if (!words.empty() && words[0] == "title") {
      break;
    }
    if (words.empty() || !words[0].starts_with(name)) {
      continue;
    }
    const std::string_view value = trimmed(text).substr(name.size());
    const std::size_t start = value.find_first_not_of("= \t");
    if (start != 0 && start != std::string_view::npos) {
      return Directive{i, trimmed(value.substr(start))};
    }
  }
  return std::nullopt;
}

void set_default(std::vector<Line>& lines, std::size_t entry) {
  const std::string number = std::to_string(entry);
  if (const auto found = find_directive(lines, "default")) {
    std::string& text = lines[found->line].text;
    text = with_part(text, found->number, number);
    return;
  }
  lines.insert(lines.begin(), {"default " + number, "\n"});
}

void drop_fallback(std::vector<Line>& lines, const std::vector<bool>& runs) {
  const auto found = find_directive(lines, "fallback");
  const auto number = found ? small_number(found->number) : std::nullopt;
  if (number && *number < runs.size() && !runs[*number]) {
    lines[found->line].text = commented_out(lines[found->line].text);
  }
}

// A stanza for a kernel that no entry has, behind the others, so that their numbers stay.
void add_stanza(std::vector<Line>& lines, const MenuEntry& like, const BootKernel& kernel,
                const std::string& root_line) {
  const std::string folder = like.kernel.substr(0, like.kernel.rfind('/') + 1);
  if (!lines.empty() && lines.back().end.empty()) {
    lines.back().end = "\n";
  }
  lines.push_back({"title Linux " + kernel.version, "\n"});
  if (!root_line.empty()) {
    lines.push_back({root_line, "\n"});
  }
  lines.push_back(
      {"\tkernel " + folder + std::string(base_name(kernel.image)) + " " + like.arguments, "\n"});
  if (!kernel.initrd.empty()) {
    lines.push_back({"\tinitrd " + folder + std::string(base_name(kernel.initrd)), "\n"});
  }
}

// "root (hd0,0)" of a stanza, as it stands there.
std::string root_line_of(const std::vector<Line>& lines, std::size_t entry) {
  std::size_t titles = 0;
  for (const Line& line : lines) {
    const auto words = active_words(line.text);
    if (words.empty()) {
      continue;
    }
    titles += words[0] == "title" ? 1 : 0;
    if (titles == entry + 1 && words[0] == "root") {
      return line.text;
    }
  }
  return {};
}

}  // namespace

void correct_legacy_default(Host& guest) {
  const auto path = legacy_menu_path(guest);
  const auto text = path ? text_file(guest, *path) : std::nullopt;
  if (!text) {
    return;
  }
  const Menu menu = parse_legacy_menu(*text);
  const MenuEntry* chosen = menu.chosen();
  if (chosen == nullptr || chosen->kernel.empty() || kernel_of(guest, *chosen)) {
    return;  // a chain loader, or a kernel that runs
  }
  const std::string before = version_of(chosen->kernel);
  const auto kernel = kernel_instead_of(guest, before);
  if (!kernel) {
    return;  // host-kernel says that there is none
  }
  std::vector<bool> runs;
  std::optional<std::size_t> now;
  for (const MenuEntry& entry : menu.entries) {
    const auto its = entry.kernel.empty() ? std::nullopt : kernel_of(guest, entry);
    runs.push_back(its.has_value() || entry.kernel.empty());
    if (its && its->image == kernel->image && !now) {
      now = runs.size() - 1;
    }
  }
  std::vector<Line> lines = lines_of(*text);
  if (!now) {
    now = menu.entries.size();
    add_stanza(lines, *chosen, *kernel,
               root_line_of(lines, static_cast<std::size_t>(chosen - menu.entries.data())));
  }
  set_default(lines, *now);
  drop_fallback(lines, runs);
  guest.update(*path, text_of(lines));
  report_other_default(guest, before, kernel->version);
}

}  // namespace vmconvert::fixer::bootloader
