#include "report/text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "report/edit_runs.hpp"

namespace vmconvert::report {
namespace {

const char* mark(model::Severity severity) {
  switch (severity) {
    case model::Severity::blocks: return "BLOCKS";
    case model::Severity::warns: return "warns";
    case model::Severity::informs: return "informs";
  }
  return "?";
}

// What the filesystems between two bytes said themselves of their free space.
std::string allocation_to_text(const model::PlannedDisk& disk, ByteCount start, ByteCount length) {
  std::string text;
  for (const model::AllocationNote& note : disk.allocation) {
    if (note.offset < start || note.offset >= start + length) {
      continue;
    }
    const std::string content =
        note.content.empty() ? "content not known" : printable(note.content);
    text += note.by_map
                ? fmt::format("         {}: {} free by its own map\n", content, to_text(note.free))
                : fmt::format("         {}: its own map is not used: {}\n", content,
                              printable(note.why));
  }
  return text;
}

std::string disk_to_text(const model::PlannedDisk& disk) {
  const model::ExtentTotals sum = model::totals(disk.extents);
  std::string text = fmt::format("  {}  {}  <- {}\n", disk.layout.name,
                                 to_text_exact(disk.layout.size), join(disk.sources, " + "));
  if (disk.layout.composed) {
    text += fmt::format("       a new {} partition table and gap for the bootloader before it\n",
                        disk.layout.table == model::TableKind::gpt ? "GPT" : "MBR");
  }
  for (const model::Partition& part : disk.layout.partitions) {
    text += fmt::format("       {}{}  at {}, {}{}\n", disk.layout.name, part.number,
                        to_text(part.start), to_text(part.length), part.bootable ? ", active" : "");
    text += allocation_to_text(disk, part.start, part.length);
  }
  if (disk.layout.partitions.empty()) {
    text += allocation_to_text(disk, {}, disk.layout.size);
  }
  if (!disk.extents.empty()) {
    text += fmt::format("       [{}]\n", extent_bar(disk.extents, disk.layout.size, 60));
    text += fmt::format("       read {} (=), write {} of patches (#), skip {} (.)\n",
                        to_text(sum.needed), to_text(sum.patched), to_text(sum.skipped));
  }
  if (!disk.path.empty()) {
    text += fmt::format("       -> {}\n", disk.path.string());
  }
  return text;
}

std::string indented(const std::string& text, std::string_view indent) {
  std::string out;
  for (const std::string& line : lines(text)) {
    out += fmt::format("{}{}\n", indent, printable(line));
  }
  return out;
}

std::string edits_to_text(const model::Edits& edits, Detail detail) {
  constexpr std::size_t k_many = 4;
  std::string text = fmt::format("Edits inside the guest ({}):\n", edits.size());
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const model::Edit& edit = edits[i];
    if (const std::size_t count = run_of_binaries(edits, i); count > k_many) {
      text += fmt::format("  {:<13} {} ({} files)\n", edit.fixer, printable(folder_of(edit.path)),
                          count);
      i += count - 1;
      continue;
    }
    text += fmt::format("  {:<13} {}\n", edit.fixer, printable(edit.path));
    if (detail == Detail::full) {
      text += indented(edit.diff, "      ");
    }
  }
  return text;
}

bool becomes_another_kind(const model::Plan& plan) {
  return plan.to == model::TargetHypervisor::xen && plan.kind != plan.source.kind;
}

// "raid1, md0 to the guest"
std::string array_text(const model::Array& array) {
  return printable(array.names.empty()
                       ? array.level
                       : fmt::format("{}, {} to the guest", array.level, array.names.front()));
}

}  // namespace

std::string extent_bar(const std::vector<model::Extent>& extents, ByteCount size, unsigned width) {
  std::string bar(width, '.');
  if (size.value == 0) {
    return bar;
  }
  const auto cell = [&](std::uint64_t offset) {
    return std::min<std::size_t>(width - 1,
                                 static_cast<std::size_t>(static_cast<double>(offset) /
                                                          static_cast<double>(size.value) * width));
  };
  for (const model::ExtentKind kind : {model::ExtentKind::needed, model::ExtentKind::patched}) {
    for (const model::Extent& extent : extents) {
      if (extent.kind == kind && extent.length.value > 0) {
        const std::size_t last = cell(extent.offset.value + extent.length.value - 1);
        for (std::size_t i = cell(extent.offset.value); i <= last; ++i) {
          bar[i] = kind == model::ExtentKind::patched ? '#' : '=';
        }
      }
    }
  }
  return bar;
}

std::string findings_to_text(const model::Findings& findings) {
  std::string text;
  for (const model::Finding& finding : findings) {
    text += fmt::format("  {:<8}{}: {}{}\n", mark(finding.severity), finding.id,
                        printable(finding.message), finding.acknowledged ? " (accepted)" : "");
    if (!finding.remedy.empty()) {
      text += fmt::format("          try: {}\n", printable(finding.remedy));
    }
  }
  return text;
}

std::string plan_to_text(const model::Plan& plan, Detail detail) {
  std::string text =
      fmt::format("Plan for {}: Xen {} guest, {} of memory, {} vCPU, to {}{}{}\n", plan.source.name,
                  model::to_string(plan.source.kind), to_text(plan.source.memory),
                  plan.source.vcpus, model::to_string(plan.to),
                  becomes_another_kind(plan) ? fmt::format(" {}", model::to_string(plan.kind)) : "",
                  plan.name == plan.source.name ? "" : " as " + plan.name);
  text +=
      fmt::format("  inside: {}, root on {}\n",
                  plan.guest.os_name.empty() ? "an unknown system" : printable(plan.guest.os_name),
                  plan.guest.root_device);
  text += "Disks:\n";
  for (const model::PlannedDisk& disk : plan.disks) {
    text += disk_to_text(disk);
  }
  text += edits_to_text(plan.edits, detail);
  if (detail == Detail::full && !plan.domain_xml_diff.empty()) {
    text += "Domain XML:\n" + indented(plan.domain_xml_diff, "      ");
  }
  if (!plan.findings.empty()) {
    text += "Findings:\n" + findings_to_text(plan.findings);
  }
  text += "Steps:\n";
  int number = 0;
  for (const model::Step& step : plan.steps) {
    text += fmt::format("  {}. {}\n", ++number, model::describe(step));
  }
  return text;
}

std::string summary_to_text(const model::RunResult& result) {
  std::string text;
  for (const model::DiskResult& disk : result.disks) {
    if (!disk.path.empty()) {
      text += fmt::format("  {}  {}  read {}, written {}, skipped {}\n", disk.path,
                          to_text_exact(disk.size), to_text(disk.read), to_text(disk.written),
                          to_text(disk.skipped));
      text += fmt::format("      {}\n", disk.checksum);
    }
  }
  if (!result.domain_xml_path.empty()) {
    text += fmt::format("  {}\n", result.domain_xml_path);
  }
  if (!result.defined_on.empty()) {
    text += fmt::format("  defined on {}\n", result.defined_on);
  }
  if (result.trial) {
    text += result.trial->booted
                ? fmt::format("Boots: seen. The trial reached its prompt after {:.0f} s: \"{}\"\n",
                              result.trial->seconds, printable(result.trial->evidence))
                : fmt::format("Boots: NO. {}\n", printable(result.trial->evidence));
    if (!result.trial->console_log.empty()) {
      text += fmt::format("  console kept in {}\n", result.trial->console_log);
    }
    if (!result.trial->booted) {
      text += "  its last lines:\n" + indented(join(result.trial->last_lines, "\n"), "    | ");
    }
  } else if (!result.boot_path.empty()) {
    const bool whole = std::all_of(result.boot_path.begin(), result.boot_path.end(),
                                   [](const model::BootLink& link) { return link.ok; });
    text += whole ? "Boots: the boot path was walked in the patched image, no boot was seen:\n"
                  : "Boots: the boot path has a gap:\n";
    for (const model::BootLink& link : result.boot_path) {
      text += fmt::format("  {} {:<18} {}\n", link.ok ? "ok  " : "GAP ", link.name,
                          printable(link.what));
    }
  }
  double sum = 0;
  std::vector<std::string> parts;
  for (const model::Stage& stage : result.stages) {
    parts.push_back(fmt::format("{} {:.1f} s", stage.name, stage.seconds));
    sum += stage.seconds;
  }
  if (!parts.empty()) {
    text += fmt::format("Time: {:.1f} s ({})\n", sum, join(parts, ", "));
  }
  return text;
}

std::string inspection_to_text(const model::Domain& domain, const model::GuestFacts& guest,
                               const model::Layout& layout) {
  const auto or_unknown = [](const std::string& text) {
    return text.empty() ? std::string("unknown") : printable(text);
  };
  std::string text =
      fmt::format("{}: Xen {}, {} of memory, {} vCPU\n", domain.name, model::to_string(domain.kind),
                  to_text(domain.memory), domain.vcpus);
  text += fmt::format("  system       {} ({}), init {}, host name {}\n", or_unknown(guest.os_name),
                      or_unknown(guest.arch), or_unknown(guest.init), or_unknown(guest.hostname));
  text +=
      fmt::format("  root         {}\n  /boot on     {}\n", guest.root_device, guest.boot_device);
  text += fmt::format("  loader       {} in the boot sector; menu {}\n", or_unknown(guest.loader),
                      guest.menu.empty() ? "none" : printable(guest.menu));
  for (const model::Kernel& kernel : guest.kernels) {
    text += fmt::format(
        "  kernel       {}  image {}  initramfs {}  modules {}\n", printable(kernel.version),
        kernel.image.empty() ? "-" : printable(kernel.image),
        kernel.initrd.empty() ? "-" : printable(kernel.initrd), kernel.modules ? "yes" : "no");
  }
  for (const model::TargetDisk& disk : layout.disks) {
    text += fmt::format("  disk {}     {}, table {}{}\n", disk.name, to_text_exact(disk.size),
                        model::to_string(disk.table), disk.composed ? " (made by us)" : "");
  }
  for (const model::Filesystem& fs : guest.filesystems) {
    text += fmt::format("  {:<12} {:<12} {:<10} {}{}{}{}\n", printable(fs.device),
                        printable(fs.type), to_text(fs.size), printable(fs.uuid),
                        fs.label.empty() ? "" : " label " + printable(fs.label),
                        fs.mountpoint.empty() ? "" : " on " + printable(fs.mountpoint),
                        fs.array ? " (" + array_text(*fs.array) + ")" : "");
  }
  if (!guest.identities.empty()) {
    text += fmt::format("  identities   {}\n", printable(join(guest.identities, ", ")));
  }
  return text;
}

}  // namespace vmconvert::report
